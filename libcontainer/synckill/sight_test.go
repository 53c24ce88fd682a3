package synckill

import (
	"os"
	"testing"
	"time"

	"runcsync/libcontainer/drain"
)

// TestUnrecordedIsOlder has init be gone of a container that a namespace other than
// the first can, or can't, have seen being made.
func TestUnrecordedIsOlder(t *testing.T) {
	for created, doubt := range map[time.Time]bool{
		time.Now(): false, time.Now().Add(-200 * 365 * 24 * time.Hour): true, {}: true,
	} {
		s := sight{here: standing(func(v *vantage) { v.PID = 99 }), init: drain.Process{Pid: os.Getpid(), StartTime: 1}}
		if s.unrecorded(created); (s.unsure != nil) != doubt {
			t.Errorf("made at %s: doubts %v", created, s.doubts)
		}
	}
}
