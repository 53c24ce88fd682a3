package drain

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestTally counts who was signalled, and tells no number where some were hit
// that are not known.
func TestTally(t *testing.T) {
	const unsure = -1
	for name, tt := range map[string]struct {
		counted bool
		listed  []members
		want    int
	}{
		"nobody":          {false, nil, 0},
		"few":             {false, []members{{pids: []int{3, 4}}, {pids: []int{4, 5}}}, 3},
		"more than seen":  {false, []members{{pids: []int{3}, more: true}}, unsure},
		"counted, though": {true, []members{{pids: []int{3}, more: true}}, 1},
	} {
		y := tally{hit: map[int]uint64{}, counted: tt.counted}
		for _, m := range tt.listed {
			y.listed(m)
		}
		if rep := y.finish(time.Now(), unix.EIO); rep.Signalled != tt.want || rep.Drained {
			t.Errorf("%s: %+v", name, rep)
		}
	}
	y := tally{hit: map[int]uint64{}}
	pid := child(t).Process.Pid
	if y.known(pid) {
		t.Error("known before it was noted")
	}
	if y.note(pid); !y.known(pid) {
		t.Error("not known")
	}
	y.hit[pid]++ // by its start time it is another one
	if y.known(pid) {
		t.Error("known, though it is another one")
	}
	y.byPid([]handle{{fd: -1}})
	y.byPid([]handle{{fd: 7}})
	y.use(CgroupKill)
	y.use(CgroupKill)
	if got := y.finish(time.Now(), nil); !slices.Equal(got.Mechanism, []string{PlainKill, CgroupKill}) || got.String() != "kill+cgroup.kill" || !got.Drained {
		t.Errorf("got %+v", got)
	}
}

// TestCount counts a v2 tree before it is killed, unless it has too many cgroups.
func TestCount(t *testing.T) {
	dir := group(t, V2, "")
	child(t, dir)
	child(t, dir)
	tr := tree(t, dir, V2)
	y := tally{hit: map[int]uint64{}}
	if y.count([]*Tree{tr}, bounds{}); !y.counted || len(y.hit) != 2 {
		t.Errorf("%+v", y)
	}
	stopped := tally{hit: map[int]uint64{}}
	if stopped.count([]*Tree{tr}, bounds{stop: func() error { return unix.ETIME }}); stopped.counted {
		t.Errorf("cut off: %+v", stopped)
	}
}
