package drain

import (
	"errors"
	"fmt"
	"strings"
)

// limits keeps trees from forking while they are killed one by one, and puts
// back what it changed.
type limits struct {
	trees []*Tree
	log   debugger
	tried bool
	back  []func() error

	changed map[*Tree]bool
}

// stopForks does what it can: without a pids controller the rounds go on until
// they have caught up.
func (l *limits) stopForks() {
	if l.tried {
		return
	}
	l.tried = true
	for _, t := range l.trees {
		if restore, err := t.stopForks(); err == nil {
			l.back = append(l.back, restore)
			if l.changed == nil {
				l.changed = map[*Tree]bool{}
			}
			l.changed[t] = true
			l.log.debug("stopped forks", "cgroup", t.Path)
		}
	}
}

// restore puts the limits back.
func (l *limits) restore() (failed error) {
	for _, restore := range l.back {
		failed = errors.Join(failed, restore())
	}
	if len(l.back) > 0 {
		l.log.debug("limits put back", "cgroups", len(l.back))
	}
	return failed
}

// stopForks sets pids.max (v1 and v2) of the tree's top cgroup to 0: whatever
// runs below it can't fork any more, so that signalling one by one comes to an
// end. The function it returns puts the old limit back.
func (t *Tree) stopForks() (restore func() error, err error) {
	if t.dir < 0 {
		return nil, errors.ErrUnsupported
	}
	limit, err := readFile(t.dir, "pids.max")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	if err := write(t.dir, "pids.max", "0"); err != nil {
		return nil, fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return func() error {
		if t.dir < 0 {
			return t.error("restore pids.max", t.lost)
		}
		err := write(t.dir, "pids.max", strings.TrimSpace(limit))
		if err == nil || vanished(err) {
			return nil
		}
		return t.error("restore pids.max", err)
	}, nil
}
