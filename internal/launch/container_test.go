package launch

import (
	"os"
	"path/filepath"
	"testing"
)

// What can be refused is refused before anything of the container exists.
func TestRefusedLeavesNothing(t *testing.T) {
	tests := map[string]struct {
		config string
		change func(*Container)
		want   string
	}{
		"no config":      {"", func(*Container) {}, "JSON specification file config.json not found"},
		"empty id":       {`{"process": {"cwd": "/", "args": ["x"]}}`, func(c *Container) { c.ID = "" }, "container id cannot be empty"},
		"no rootfs":      {`{"process": {"cwd": "/", "args": ["x"]}}`, func(*Container) {}, "root must be specified"},
		"rootless":       {`{"process": {"cwd": "/", "args": ["x"]}}`, func(c *Container) { c.Rootless = "x" }, `invalid --rootless value "x": want true, false or auto`},
		"console socket": {`{"process": {"cwd": "/", "args": ["x"]}}`, func(c *Container) { c.ConsoleSocket = "s" }, "cannot use console socket if runc will not detach or allocate tty"},
		"terminal":       {`{"process": {"cwd": "/", "args": ["x"], "terminal": true}}`, func(c *Container) { c.Detach = true }, "cannot allocate tty if runc will detach without setting console socket"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bundle, root := t.TempDir(), filepath.Join(t.TempDir(), "root")
			t.Chdir(bundle)
			if tt.config != "" {
				if err := os.WriteFile("config.json", []byte(tt.config), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := Container{Root: root, ID: "launch-unit", Bundle: bundle}
			tt.change(&c)
			if _, err := c.Run(); text(err) != tt.want {
				t.Errorf("error %q, want %q", text(err), tt.want)
			}
			if _, err := os.Stat(root); err == nil {
				t.Error("the state directory was made")
			}
		})
	}
}
