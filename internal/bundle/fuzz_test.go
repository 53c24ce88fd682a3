package bundle

import (
	"path/filepath"
	"strings"
	"testing"
)

// FuzzEnter has any contents for config.json. What is accepted has a process that
// can be translated, or whose fault is told; an error is one line that names the
// file or the property.
func FuzzEnter(f *testing.F) {
	for _, s := range []string{
		minimal, minimal + " x", "null", "", " \n", "{", `[]`, `{"process":null}`, `{"process":{"args":[""],"cwd":"/"}}`,
		`{"process":{"cwd":"/","args":["x"],"rlimits":[{"type":"RLIMIT_NOFILE","soft":1,"hard":2},{"type":"x"}],"capabilities":{"bounding":["CAP_X"]},"consoleSize":{"width":70000}}}`,
		`{"process":{"cwd":"/","args":["x"],"execCPUAffinity":{"initial":"0-99999999999"},"scheduler":{"policy":"x"},"user":{"additionalGids":[4294967295]}}}`,
		"{\"process\":{\"cwd\":\"/\n\",\"args\":[\"\x1b[2J\"]}}", `{"process":{"user":{"uid":"` + "\x1b[2J" + `"}}}`,
	} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	f.Chdir(dir)
	f.Fuzz(func(t *testing.T, data []byte) {
		write(t, filepath.Join(dir, Config), string(data))
		spec, err := Enter("")
		if err != nil {
			if spec != nil && spec.Process != nil && Check(spec.Process) == nil {
				t.Errorf("error %v, but the process can be started", err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
			return
		}
		if spec.Process == nil || len(spec.Process.Args) == 0 || !filepath.IsAbs(spec.Process.Cwd) {
			t.Errorf("accepted with the process %+v", spec.Process)
		}
		if p, err := Process(spec.Process); err == nil && (len(p.Args) != len(spec.Process.Args) || p.UID < 0 || p.GID < 0) {
			t.Errorf("process %+v became %+v", spec.Process, p)
		}
	})
}
