package backup

// Torn returns a key that encrypts to other's recipient, which it does not open.
func (k RecoveryKey) Torn(other RecoveryKey) RecoveryKey {
	torn := **k.p
	torn.public = other.Recipient()
	p := &torn
	return RecoveryKey{&p}
}

// Opens is opens, for data that no encryption returns.
var Opens = RecoveryKey.opens
