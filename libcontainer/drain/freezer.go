package drain

import (
	"errors"
	"strings"
)

// thaw thaws trees once SIGKILL has been sent: v1's at once, since the signal
// acts only then; v2's when nobody is left whom that would let run. A tree that
// can't be thawed keeps no other from it.
func thaw(trees []*Tree, left bool, stop func() error, log debugger) (failed error) {
	for _, t := range trees {
		if t.Version == V2 && left {
			continue
		}
		thawed, err := t.thaw(stop)
		switch {
		case err != nil && t.Version == V2: // nobody is left whom this could keep
			log.debug("not thawed", "cgroup", t.Path, "error", err)
		case err != nil:
			failed = errors.Join(failed, err)
		case thawed:
			log.debug("thawed", "cgroup", t.Path)
		}
	}
	return failed
}

// thaw undoes a freeze. In a v1 tree, where SIGKILL is held back until the
// thaw, every cgroup that is frozen by itself is thawed; one that is frozen
// because of a cgroup above the tree stays so, that is not ours to change. In
// a v2 tree frozen processes die on SIGKILL, and only the top cgroup is
// thawed, so that the container does not go on to count as paused.
func (t *Tree) thaw(stop func() error) (thawed bool, err error) {
	switch {
	case t.dir < 0:
		return false, nil
	case t.Version == V2:
		return t.thawOne(t.dir, "cgroup.freeze", "cgroup.freeze", "0")
	case !t.freezer:
		return false, nil
	}
	w := walk{tree: t, bounds: bounds{stop: stop}}
	err = w.all(func(dir int) error {
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
	text, err := readFile(dir, file)
	return strings.TrimSpace(text) == "1", err
}
