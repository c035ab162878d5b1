package device

// CheckReadBack is checkReadBack, for files that no disk returns.
var CheckReadBack = checkReadBack
