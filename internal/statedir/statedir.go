// Package statedir knows the directory that holds the state of containers, one
// subdirectory a container: where it is, who may use it, and how a container
// is read back from it.
package statedir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/sys/userns"
)

// Dir is the directory used where --root is not given.
type Dir struct {
	Path string
	xdg  bool
}

// Default is /run/runc for root and $XDG_RUNTIME_DIR/runc for a rootless
// caller that has such a directory.
func Default() Dir {
	if xdg := os.Getenv("XDG_RUNTIME_DIR"); xdg != "" && rootless() {
		return Dir{Path: filepath.Join(xdg, "runc"), xdg: true}
	}
	return Dir{Path: "/run/runc"}
}

// rootless tells whether the caller lacks the rights of the host's root. Root
// of a user namespace counts as rootless, unless $USER says that a whole system
// runs in there.
func rootless() bool {
	if os.Geteuid() != 0 {
		return true
	}
	return userns.RunningInUserNS() && os.Getenv("USER") != "root"
}

// Prepare makes the directory below $XDG_RUNTIME_DIR. The sticky bit keeps it
// from being cleaned up there, as the XDG base directory specification has it.
func (d Dir) Prepare() error {
	if !d.xdg {
		return nil
	}
	if err := os.MkdirAll(d.Path, 0o700); err != nil {
		return fmt.Errorf("$XDG_RUNTIME_DIR must be writable: %w", err)
	}
	if err := os.Chmod(d.Path, 0o700|os.ModeSticky); err != nil {
		return fmt.Errorf("$XDG_RUNTIME_DIR must belong to the caller: %w", err)
	}
	return nil
}

// Clean returns the absolute form of a --root argument, and refuses the root
// directory however it is spelled.
func Clean(root string) (string, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	if abs == "/" {
		return "", errors.New("Option --root argument should not be set to /") //nolint:staticcheck // upstream's text
	}
	return abs, nil
}
