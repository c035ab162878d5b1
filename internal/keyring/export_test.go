package keyring

// Replacing lets before and after see each file that the keyring replaces.
func (k *FileKeyring) Replacing(before func(path string, data []byte) error, after func()) {
	replace := k.replace
	k.replace = func(path string, data []byte) error {
		if err := before(path, data); err != nil {
			return err
		}
		err := replace(path, data)
		after()
		return err
	}
}
