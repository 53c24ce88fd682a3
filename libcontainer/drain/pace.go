package drain

import "time"

// ticks are the pauses after which the group is looked at although nothing was
// heard of it; the last one repeats. They serve what has no notification: a
// process that enters a v1 cgroup, a cgroup.events whose last notification was
// lost because the cgroup was removed within the 10 ms in which the kernel
// holds notifications back.
var ticks = [...]time.Duration{25 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, time.Second}

// pace says when to look, and at how much of the group.
type pace struct {
	quiet int       // waits in a row that ended without news
	over  time.Time // when all of it was last looked at; to begin with, of the beginning
}

// pause is how long to wait for news.
func (p *pace) pause() time.Duration { return ticks[min(p.quiet, len(ticks)-1)] }

// woke notes whether the wait ended with news.
func (p *pace) woke(news bool) {
	if p.quiet++; news {
		p.quiet = 0
	}
}

// all tells whether the next look is to go over all of the group. At first, and
// as long as there is news, one part that is not empty is enough to know where
// to wait, since the others empty at the same time. But news of some is no
// reason to leave others alone for long: they may be in another part only.
func (p *pace) all(now time.Time) bool {
	return p.quiet > 0 || now.Sub(p.over) >= patience
}

// looked notes that all was looked at.
func (p *pace) looked(now time.Time) { p.over = now }
