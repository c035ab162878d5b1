package vault

// Close does what [Vault.Update] does to a change before it writes it.
func (t *Tx) Close() {
	t.normalize()
	t.expire(t.Now, Stamp{Time: t.Clock, Device: t.Device})
}

// Decode reads a state as it is read from a keyring.
func Decode(data []byte) (*State, error) { return decode(data) }

// Items is how many items there are.
const Items = items
