package drain

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFewDescriptors kills with ever fewer descriptors to spare, and claims the
// end only where all could be read.
func TestFewDescriptors(t *testing.T) {
	v1, v2 := group(t, V1, "pids"), group(t, V2, "")
	for _, tt := range []struct {
		name        string
		dirs        []string
		versions    []Version
		kill, claim int // descriptors beside the trees' own
	}{
		{"v2", []string{v2}, []Version{V2}, 1, 1},
		{"v1", []string{v1}, []Version{V1}, 2, 2},
		{"both", []string{v2, v1}, []Version{V2, V1}, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for spare := range 10 {
				var pids []int
				for range 3 {
					pids = append(pids, child(t, tt.dirs...).Process.Pid)
				}
				g := Group{}
				for i, dir := range tt.dirs {
					g.Trees = append(g.Trees, tree(t, dir, tt.versions[i]))
				}
				var rep Report
				var err error
				fill(t, spare, func() {
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					defer cancel()
					rep, err = Drain(ctx, g, Request{Signal: unix.SIGKILL})
				})
				alive := 0
				for _, pid := range pids {
					if st, err := readStat(pid); err == nil && !st.dead() {
						alive++
					}
				}
				_, unknown := asType[*UnverifiableError](err)
				switch {
				case err == nil && alive > 0:
					t.Errorf("%d to spare: claimed with %d alive", spare, alive)
				case err != nil && !unknown:
					t.Errorf("%d to spare: %+v, %v", spare, rep, err)
				case spare >= tt.claim && err != nil:
					t.Errorf("%d to spare: %+v, %v; want the end claimed", spare, rep, err)
				case spare >= tt.kill:
					for _, pid := range pids {
						await(t, "its end", func() bool { st, err := readStat(pid); return err != nil || st.dead() })
					}
				}
			}
		})
	}
}

// fill calls do with so many descriptors to spare.
func fill(t *testing.T, spare int, do func()) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	// The limit is one of numbers: there must be no gap below it.
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	top := 0
	for _, e := range fds {
		n, _ := strconv.Atoi(e.Name())
		top = max(top, n)
	}
	for {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if fd >= top {
			top = fd
			break
		}
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(top + 1 + spare), Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &was) }()
	do()
}
