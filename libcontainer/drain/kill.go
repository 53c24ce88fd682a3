package drain

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// killer sends SIGKILL to parts of a group.
type killer struct {
	held   *held
	tally  *tally
	limits *limits
	log    debugger
	bounds bounds

	began bool // whoever is held has been sent it
	trees map[*Tree]*progress
}

// ahead sends SIGKILL to the processes held, unless that has been done: to
// Group.Processes, which may be in no tree, and what was seen. They get it before
// anybody else: an init that lives elsewhere would see its children die, and
// fork. Those in coming, which is ascending, don't: a cgroup.kill follows that
// hits them with all others.
//
// The first process of a PID namespace that is killed on its own has all of it
// killed, and waits for each; with every child that ends it is woken, and goes
// through all that are left. 10,000 children take 1.1 s to end that way, and
// 0.35 s if they are hit before it has come so far (6.18, zap_pid_ns_processes).
func (k *killer) ahead(coming []int) error {
	if k.began {
		return nil
	}
	return k.again(coming)
}

// again sends it to the processes held whatever was done before: they may have
// left their tree since, and not been hit with it.
func (k *killer) again(coming []int) error {
	k.began = true
	for _, h := range k.held.handles {
		k.tally.hit[h.pid] = 0
	}
	return k.held.kill(coming)
}

// tree kills a v2 tree by cgroup.kill. It tells whether that served; if it did
// not, they are to be killed one by one. With many they are more than are held,
// and getting fewer.
func (k *killer) tree(t *Tree) (served, many bool, err error) {
	// Few processes are pinned first: a pidfd tells their end at once, while
	// the notification through cgroup.events may be 10 ms late.
	_, m, failed := k.held.hold(t, k.bounds)
	if exhausted(failed) {
		failed = nil // it is a matter of speed alone
	}
	k.tally.listed(m)
	failed = errors.Join(failed, k.ahead(m.pids))
	err = t.kill()
	if exhausted(err) && t.closeEvents() {
		err = t.kill()
	}
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		// Nothing hits all at once: those held first.
		return false, false, errors.Join(failed, k.again(nil))
	case err != nil:
		return false, false, errors.Join(failed, err)
	}
	k.tally.use(CgroupKill)
	k.log.debug("killed", "cgroup", t.Path, "mechanism", CgroupKill)
	switch {
	case k.trees[t] == nil && !m.more:
		return true, false, failed // and each by pidfd, with the next look
	case k.trees[t] == nil:
		k.trees[t] = &progress{}
	}
	stuck, err := k.trees[t].stuck(time.Now(), func() (int, error) {
		m, err := t.list(k.bounds)
		return len(m.pids), err
	})
	return !stuck, !stuck, errors.Join(failed, err)
}

// each sends SIGKILL to the processes of p one by one. It returns how many
// there were and who was listed. Where not all could be read it is those that
// were found.
func (k *killer) each(p part) (n int, m members, err error) {
	m, unread := p.list(k.bounds)
	if m.empty() {
		return 0, m, unread
	}
	k.limits.stopForks()
	k.tally.expect(len(m.pids))
	// Of many the last ones are watched: they got the signal last, so that by
	// their end most of the others have ended as well. Those that have not, the
	// next look finds.
	first := 0
	if room := k.held.room(); len(m.pids) > room {
		first = m.pids[len(m.pids)-max(room, 1)]
	}
	n, err = k.held.confirmed(p, m.pids, k.bounds, none, func(h *handle) error {
		if err := h.signal(unix.SIGKILL); err != nil {
			return err
		}
		k.tally.use(h.mechanism())
		k.tally.hit[h.pid] = 0
		if h.pid < first {
			return nil
		}
		k.held.add(*h)
		return errKeep
	})
	if n > 0 {
		k.log.debug("killed", "group", p.name(), "mechanism", "one by one", "processes", n)
	}
	return n, m, both(unread, err)
}
