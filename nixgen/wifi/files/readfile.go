package files

import (
	"errors"

	"piwiz/nixgen/regular"
)

// Max bounds a file of networks, in bytes; most are below 1 KiB, but a
// certificate may be inside.
const Max = 64 << 10

// ReadFile reads a file of networks as the user who runs this, into memory that
// the caller clears; one that is larger than Max is an error. Of what is no
// regular file it reads nothing: no program takes networks from a folder or a
// pipe.
func ReadFile(path string) ([]byte, error) {
	b, err := regular.ReadFile(path, Max, 0)
	if _, other := errors.AsType[*regular.NotFile](err); other {
		return nil, nil
	}
	return b, err
}
