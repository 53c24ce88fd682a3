package resources

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzResources has any contents for what "update --resources" reads: an error of
// one line, or limits of which all parts are there.
func FuzzResources(f *testing.F) {
	for _, s := range []string{`{}`, `null`, ``, `[]`, `{"memory":{"limit":-1}}`, `{"pids":{"limit":9999999999999999999}}`, `{"cpu":null,"blockIO":{}}`, `{"cpu":{"shares":1}} x`, "{\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		limits, err := decode(bytes.NewReader(data), "standard input")
		if err != nil {
			if !strings.Contains(err.Error(), "standard input") {
				t.Errorf("error %q does not tell where from", err)
			}
			return
		}
		r := Request{LinuxResources: limits}
		r.complete()
		if r.BlockIO == nil || r.CPU == nil || r.Memory == nil || r.Pids == nil {
			t.Errorf("%q leaves parts out: %+v", data, r)
		}
	})
}
