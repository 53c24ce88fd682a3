package guarantee

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runcsync/tests/guarantee/rig"
)

// smallVar tells the test that it runs in the small PID namespace already.
const smallVar = "GUARANTEE_SMALL_PIDS"

// smallNamespace is a shell script that runs its arguments where few process
// IDs go round quickly, and reaps orphans meanwhile. The limit is each PID
// namespace's own since Linux 6.14.
const smallNamespace = `
echo 420 > /proc/sys/kernel/pid_max || exit 1
"$@"
exit $?`

// TestPIDReuse kills containers whose process IDs go over to others all the
// time, and sees whether one of those gets a signal.
func TestPIDReuse(t *testing.T) {
	if os.Getenv(smallVar) != "" {
		t.Run("small", reuse)
		return
	}
	old, err := os.ReadFile("/proc/sys/kernel/pid_max")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", smallNamespace, "sh",
		self, "-test.run=^TestPIDReuse$", "-test.v", "-test.timeout=40m")
	cmd.Env = append(os.Environ(), smallVar+"=1")
	cmd.Stdin = strings.NewReader("")
	out, err := cmd.CombinedOutput()
	now, _ := os.ReadFile("/proc/sys/kernel/pid_max")
	if !bytes.Equal(old, now) {
		_ = os.WriteFile("/proc/sys/kernel/pid_max", old, 0)
		t.Skip("kernel.pid_max is not the PID namespace's own before Linux 6.14")
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "births") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

func reuse(t *testing.T) {
	cases := []struct {
		name   string
		flags  []string // of oldkernel; nil is the kernel as it is
		report bool     // a victim may be hit, since there is no pidfd
	}{
		{"with what the kernel has", nil, false},
		{"one by one, by pidfd", []string{"-k"}, false},
		{"one by one, without pidfd", []string{"-k", "-p"}, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r := rig.Open(t)
			n := newNursery(t, r, 30)
			killer := *r
			if tc.flags != nil {
				killer.Via = append([]string{r.Program("oldkernel")}, tc.flags...)
			}
			for i := range rounds(8, 300) {
				n.round(&killer, r, i)
				if t.Failed() {
					break
				}
			}
			births, reuses, during, signalled := n.end()
			t.Logf("view %s, %s: births %d, reuses of a member's process ID %d, of which %d during a kill, victims signalled %d",
				r.View, tc.name, births, reuses, during, signalled)
			if reuses == 0 {
				t.Error("no process ID was reused: the test shows nothing")
			}
			if signalled > 0 && !tc.report {
				t.Errorf("%d victims were signalled: %s", signalled, n.stderr.String())
			}
		})
	}
}

// nursery is a running testdata/nursery.c.
type nursery struct {
	t      *testing.T
	dir    string // holds the log
	log    []byte
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr bytes.Buffer
	close  func() error
}

// newNursery has so many victims alive at a time.
func newNursery(t *testing.T, r *rig.Rig, victims int) *nursery {
	t.Helper()
	n := &nursery{t: t, dir: t.TempDir()}
	file := filepath.Join(n.dir, "log")
	if err := os.WriteFile(file, make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n.log, err = unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	n.cmd = exec.Command(r.Program("nursery"), file, fmt.Sprint(victims))
	in, err := n.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	n.close = in.Close
	n.cmd.Stdout, n.cmd.Stderr = &n.stdout, &n.stderr
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = n.cmd.Process.Kill()
		_ = n.cmd.Wait()
		_ = unix.Munmap(n.log)
	})
	return n
}

// round kills one container.
func (n *nursery) round(killer, r *rig.Rig, i int) {
	c := r.New(rig.Spec{
		Args: []string{"churn", "12"}, PIDs: rig.HostPIDs, Env: []string{"CHURN_LOG=/mnt/log"},
		Edit: func(s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/mnt", Type: "bind", Source: n.dir, Options: []string{"bind", "rw"}})
		},
	}).Run()
	c.AwaitProcesses(2)
	ways := [][]string{
		{"kill", "--wait", c.ID, "KILL"},
		{"kill", "--wait", "--kill-after=30ms", c.ID, "TERM"},
		{"kill", "--wait", "--kill-after=30ms", c.ID, "USR1"},
		{"delete", "--force", "--wait", c.ID},
	}
	n.log[0] = 1
	res := killer.Run(ways[i%len(ways)]...)
	n.log[0] = 0
	if res.Status != 0 {
		n.t.Error(res)
	}
	c.Gone(res)
	c.Delete()
}

// end ends the nursery and returns its numbers.
func (n *nursery) end() (births, reuses, during, signalled int) {
	_ = n.close()
	if err := n.cmd.Wait(); err != nil {
		n.t.Fatal(err, n.stderr.String())
	}
	if _, err := fmt.Sscanf(n.stdout.String(), "births %d reuses %d during %d signalled %d", &births, &reuses, &during, &signalled); err != nil {
		n.t.Fatalf("nursery says %q: %v", n.stdout.String(), err)
	}
	return births, reuses, during, signalled
}
