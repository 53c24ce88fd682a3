package drain

import "slices"

// makeRoom gives back descriptors when they have run out, least needed first: of
// processes that are merely watched, of what wakes a wait at once, of
// cgroup.events, which can be opened anew; then of whole trees, one at a time,
// v1's and the last one first, but those last that can be put back or thawed
// only as long as they are held. Of a tree that was given up nothing can be claimed.
// It tells whether there was anything to give back.
func (d *drainer) makeRoom(keep part, why error) bool {
	if d.held.release() || d.watch.release() {
		return true
	}
	closed := false
	for _, t := range d.trees {
		if part(t) != keep && t.closeEvents() {
			closed = true
		}
	}
	idle := func(t *Tree) bool { return !t.freezer && !d.limits.changed[t] }
	whichever := func(*Tree) bool { return true }
	return closed || d.giveUp(V1, keep, idle, why) || d.giveUp(V1, keep, whichever, why) || d.giveUp(V2, keep, whichever, why)
}

// giveUp gives up the last tree of a version that may be, but for keep.
func (d *drainer) giveUp(version Version, keep part, may func(*Tree) bool, why error) bool {
	for i, t := range slices.Backward(d.trees) {
		if t.Version == version && t.Exists() && part(t) != keep && may(t) {
			t.giveUp(why)
			d.trees = slices.Delete(d.trees, i, i+1)
			d.doubts.of(t.Path, t.lost)
			d.log.debug("given up", "cgroup", t.Path, "error", why)
			return true
		}
	}
	return false
}
