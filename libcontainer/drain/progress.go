package drain

import "time"

// progress tells whether a tree that was killed by cgroup.kill is getting
// emptier. A process of which the first thread has ended before the others gets
// nothing by that: the signal is the dead thread's (6.18). As few as are held
// get it by pidfd; of more this takes notice, however many others end
// meanwhile.
type progress struct {
	counted time.Time
	size    int
}

// unknown is the size of a tree that has not been counted.
const unknown = -1

// patience is how long many processes may take until a quarter of them has
// ended: on a busy machine none may have had its turn before.
const patience = 500 * time.Millisecond

// stuck counts, when it is time to, and tells whether fewer than a quarter have
// gone since it did before. What it counts at first is measured against nothing.
func (p *progress) stuck(now time.Time, count func() (int, error)) (bool, error) {
	switch {
	case p.counted.IsZero():
		p.counted, p.size = now, unknown
		return false, nil
	case now.Sub(p.counted) < patience:
		return false, nil
	}
	n, err := count()
	if err != nil {
		return false, err
	}
	was := p.size
	p.counted, p.size = now, n
	return was != unknown && 4*(was-n) < was, nil
}
