package vault

import "github.com/authcli/auth/internal/account"

// wireCredential is the JSON form of a credential, embedded in what holds one.
// What the type has by default is left out: most accounts are a secret alone.
type wireCredential struct {
	Secret    string `json:"secret,omitempty"` // base32
	Type      string `json:"type,omitempty"`
	Algorithm string `json:"algorithm,omitempty"`
	Digits    int    `json:"digits,omitempty"`
	Period    int    `json:"period,omitempty"`
	PIN       string `json:"pin,omitempty"` // base32
}

func toWire(c account.Credential) (w wireCredential) {
	if c.Secret.Empty() {
		// An account that needs verification keeps its type: which of two
		// name-only accounts is meant is told by label and type.
		if c.Type != account.TOTP {
			w.Type = string(c.Type)
		}
		return w
	}
	d := account.Default(c.Type)
	w.Secret = c.Secret.Base32()
	if c.Type != account.TOTP {
		w.Type = string(c.Type)
	}
	if c.Algorithm != d.Algorithm {
		w.Algorithm = string(c.Algorithm)
	}
	if c.Digits != d.Digits {
		w.Digits = c.Digits
	}
	if c.Period != d.Period {
		w.Period = c.Period
	}
	if !c.PIN.Empty() {
		w.PIN = c.PIN.Base32()
	}
	return w
}

// credential reads what toWire writes. Errors are those of the package account.
func (w wireCredential) credential() (account.Credential, error) {
	t := account.Type(w.Type)
	if t == "" {
		t = account.TOTP
	}
	c := account.Default(t)
	if w.Secret == "" {
		return account.Credential{Type: t}, nil
	}
	var err error
	if c.Secret, err = account.ParseBase32(w.Secret); err != nil {
		return account.Credential{}, err
	}
	if w.PIN != "" {
		if c.PIN, err = account.ParseBase32(w.PIN); err != nil {
			return account.Credential{}, err
		}
	}
	if w.Algorithm != "" {
		c.Algorithm = account.Algorithm(w.Algorithm)
	}
	if w.Digits != 0 {
		c.Digits = w.Digits
	}
	if w.Period != 0 {
		c.Period = w.Period
	}
	return c, c.Validate()
}
