package drain

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// stat is what is used of /proc/PID/stat.
type stat struct {
	comm  string
	state byte
	ppid  int
	// threads is how many the process has, dead ones that have not been reaped
	// included.
	threads int
	start   uint64
}

func (s stat) dead() bool { return s.state == 'Z' || s.state == 'X' || s.state == 'x' }

// readStat reads /proc/PID/stat; ESRCH if there is no such process.
func readStat(pid int) (stat, error) {
	return readStatFile("/proc/" + strconv.Itoa(pid) + "/stat")
}

func readStatFile(path string) (stat, error) {
	text, err := readFile(unix.AT_FDCWD, path)
	if err != nil {
		if errors.Is(err, unix.ENOENT) {
			err = unix.ESRCH
		}
		return stat{}, fmt.Errorf("read %s: %w", path, err)
	}
	st, err := parseStat(text)
	if err != nil {
		return stat{}, fmt.Errorf("parse %s: %w", path, err)
	}
	return st, nil
}

// Parent is the ID of a process's parent: 0 if that is in no PID namespace that the
// caller sees. The error is [unix.ESRCH] if there is no such process.
func Parent(pid int) (int, error) {
	st, err := readStat(pid)
	return st.ppid, err
}

// parseStat parses proc_pid_stat(5). The command name is in parentheses and
// may itself contain parentheses and blanks, so it ends at the last ")".
func parseStat(text string) (stat, error) {
	begin, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if begin < 0 || end < begin {
		return stat{}, fmt.Errorf("no command name in %q", text)
	}
	f := strings.Fields(text[end+1:])
	const first, ppid, threads, start = 3, 4, 20, 22 // field numbers of the manual page
	// The field behind tells that the last is all there.
	if len(f) <= start-first+1 || len(f[0]) != 1 || !isLetter(f[0][0]) {
		return stat{}, fmt.Errorf("unexpected fields in %q", text)
	}
	st := stat{comm: text[begin+1 : end], state: f[0][0]}
	var err error
	if st.ppid, err = strconv.Atoi(f[ppid-first]); err != nil {
		return stat{}, err
	}
	if st.threads, err = strconv.Atoi(f[threads-first]); err != nil {
		return stat{}, err
	}
	st.start, err = strconv.ParseUint(f[start-first], 10, 64)
	return st, err
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// provable is how many threads allZombies looks at, some 30 ms of reading: a
// process with more dead threads than that waits for whoever has to reap them.
const provable = 4096

// allZombies tells whether all threads of a process that has been sent SIGKILL,
// and has the directory dir in /proc, are zombies. False may also mean that it can't be told now.
//
// A directory listing alone proves nothing. The kernel goes from thread to
// thread, and ends the listing where the one that it stands on has been reaped:
// a thread that starts the next and ends is not there any more when it is
// looked at, and the next is not in the list (6.18, next_tid). So the threads
// are listed and found to be zombies; then they are counted, by the kernel, at
// one moment; then all of them are found to be there still.
//
// At the moment of the count the process had as many threads as were listed;
// those listed were all there, since they were before and after, so there was
// no other; and they had been zombies before, which run no more and start
// nothing. That their numbers are still theirs takes SIGKILL: from its sending
// on no thread is born into the process, and none takes over the number of its
// first thread, as execve(2) has it do: both fail once the signal is pending.
// Without a pidfd, before Linux 5.3, it is believed all the same: nothing else
// tells a zombie.
func allZombies(dir string) (bool, error) {
	f, err := os.Open(dir + "/task")
	if err != nil {
		return noProcess(err)
	}
	tids, err := f.Readdirnames(provable + 1)
	f.Close()
	switch {
	case errors.Is(err, io.EOF):
		return false, nil // it was reaped right then
	case err != nil:
		return noProcess(err)
	}
	if len(tids) > provable {
		return false, nil
	}
	if all, err := zombies(dir, tids); err != nil || !all {
		return false, err
	}
	switch st, err := readStatFile(dir + "/stat"); {
	case err != nil:
		return noProcess(err)
	case st.threads != len(tids):
		return false, nil
	}
	return zombies(dir, tids)
}

// noProcess is allZombies' answer to an error of /proc: true if that says that
// there is no such process any more.
func noProcess(err error) (bool, error) {
	switch {
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH):
		return true, nil
	case exhausted(err):
		return false, nil
	}
	return false, err
}

// zombies tells whether each of the threads is there, and a zombie.
func zombies(dir string, tids []string) (bool, error) {
	for _, tid := range tids {
		st, err := readStatFile(dir + "/task/" + tid + "/stat")
		switch {
		case errors.Is(err, unix.ESRCH) || exhausted(err):
			return false, nil
		case err != nil || !st.dead():
			return false, err
		}
	}
	return true, nil
}
