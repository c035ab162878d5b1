package atomicfile

// The two ways to write a file, for tests of each.
var (
	OpenNameless = openNameless
	WriteNamed   = writeNamed
)
