package drain

import (
	"errors"
	"testing"
	"time"
)

// TestProgress tells a tree that empties from one in which some end and most
// stay.
func TestProgress(t *testing.T) {
	t0 := time.Now()
	type count struct {
		after time.Duration
		n     int // -1: it must not be counted
		stuck bool
	}
	for name, counts := range map[string][]count{
		"many that end":                {{0, -1, false}, {400 * time.Millisecond, -1, false}, {500 * time.Millisecond, 9000, false}, {time.Second, 6000, false}, {1500 * time.Millisecond, 100, false}},
		"none ends":                    {{0, -1, false}, {500 * time.Millisecond, 320, false}, {time.Second, 320, true}, {1100 * time.Millisecond, -1, false}, {1500 * time.Millisecond, 320, true}},
		"one ends each 400 ms":         {{0, -1, false}, {400 * time.Millisecond, -1, false}, {800 * time.Millisecond, 320, false}, {1200 * time.Millisecond, -1, false}, {1600 * time.Millisecond, 318, true}},
		"one that stays":               {{0, -1, false}, {500 * time.Millisecond, 1, false}, {time.Second, 1, true}},
		"one of three ends":            {{0, -1, false}, {500 * time.Millisecond, 3, false}, {time.Second, 2, false}, {1500 * time.Millisecond, 2, true}},
		"a look comes late, all stays": {{0, -1, false}, {5 * time.Second, 1000, false}, {9 * time.Second, 1000, true}},
	} {
		var p progress
		for _, c := range counts {
			stuck, err := p.stuck(t0.Add(c.after), func() (int, error) {
				if c.n < 0 {
					t.Errorf("%s: counted after %s", name, c.after)
				}
				return c.n, nil
			})
			if err != nil || stuck != c.stuck {
				t.Errorf("%s: after %s: stuck %t, %v; want %t", name, c.after, stuck, err, c.stuck)
			}
		}
	}
	why := errors.New("unreadable")
	p := progress{counted: t0, size: 5}
	if stuck, err := p.stuck(t0.Add(time.Minute), func() (int, error) { return 0, why }); stuck || !errors.Is(err, why) {
		t.Errorf("got %t, %v", stuck, err)
	}
}
