package drain

import (
	"testing"
	"time"
)

// TestPace looks ever less often while nothing is heard, and at all of the group
// after a wait without news, or when news has gone on for long.
func TestPace(t *testing.T) {
	t0 := time.Now()
	p := pace{over: t0}
	if p.all(t0) {
		t.Error("the first look goes over all")
	}
	for _, want := range append(ticks[:], ticks[len(ticks)-1]) {
		if got := p.pause(); got != want {
			t.Errorf("after %d quiet waits: %s, want %s", p.quiet, got, want)
		}
		p.woke(false)
		if !p.all(t0) {
			t.Error("not all after a wait without news")
		}
	}
	p.woke(true)
	if p.pause() != ticks[0] || p.all(t0) {
		t.Errorf("after news: %s, all %t", p.pause(), p.all(t0))
	}
	late := t0.Add(patience)
	if !p.all(late) {
		t.Error("news puts the other parts off")
	}
	p.looked(late)
	if p.all(late.Add(patience - 1)) {
		t.Error("all again although it has just been looked at")
	}
}
