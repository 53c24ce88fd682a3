package drain

import (
	"errors"
	"fmt"
	"strings"
)

// thaw undoes a freeze. In a v1 tree, where SIGKILL is held back until the
// thaw, every cgroup that is frozen by itself is thawed; one that is frozen
// because of a cgroup above the tree stays so, that is not ours to change. In
// a v2 tree frozen processes die on SIGKILL, and only the top cgroup is
// thawed, so that the container does not go on to count as paused.
func (t *Tree) thaw() (thawed bool, err error) {
	switch {
	case t.dir < 0:
		return false, nil
	case t.Version == V2:
		return t.thawOne(t.dir, "cgroup.freeze", "cgroup.freeze", "0")
	case !t.freezer:
		return false, nil
	}
	err = t.walk(func(dir int) error {
		one, err := t.thawOne(dir, "freezer.self_freezing", "freezer.state", "THAWED")
		thawed = thawed || one
		return err
	})
	return thawed, err
}

// thawOne writes thaw to the file set of a cgroup whose file flag reads 1.
func (t *Tree) thawOne(dir int, flag, set, thaw string) (bool, error) {
	frozen, err := readFlag(dir, flag)
	if err == nil && frozen {
		err = write(dir, set, thaw)
	}
	if err != nil && !vanished(err) { // before Linux 5.2 there is no cgroup.freeze
		return false, t.error("thaw through "+set, err)
	}
	return frozen, nil
}

// frozenAbove tells whether a v1 freezer cgroup above the tree is frozen.
func (t *Tree) frozenAbove() bool {
	if !t.freezer {
		return false
	}
	frozen, err := readFlag(t.dir, "freezer.parent_freezing")
	return err == nil && frozen
}

func readFlag(dir int, file string) (bool, error) {
	var buf [32]byte
	text, err := readSmall(dir, file, buf[:])
	return strings.TrimSpace(text) == "1", err
}

// stopForks sets pids.max (v1 and v2) of the tree's top cgroup to 0: whatever
// runs below it can't fork any more, so that signalling one by one comes to an
// end. The function it returns puts the old limit back.
func (t *Tree) stopForks() (restore func() error, err error) {
	if t.dir < 0 {
		return nil, errors.ErrUnsupported
	}
	var buf [32]byte
	limit, err := readSmall(t.dir, "pids.max", buf[:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	if err := write(t.dir, "pids.max", "0"); err != nil {
		return nil, fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return func() error {
		err := write(t.dir, "pids.max", strings.TrimSpace(limit))
		if err == nil || vanished(err) {
			return nil
		}
		return t.error("restore pids.max", err)
	}, nil
}
