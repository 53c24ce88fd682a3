package criu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

func TestOptions(t *testing.T) {
	images := t.TempDir()
	if err := os.Mkdir(filepath.Join(images, "parent"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(images, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	parent := func(path string) libcontainer.CriuOpts {
		return libcontainer.CriuOpts{ImagesDirectory: images, ParentImage: path}
	}
	tests := map[string]struct {
		Request
		want string // in the error, "" for none
	}{
		"defaults":        {Request{}, ""},
		"page server":     {Request{PageServer: "[::1]:27"}, ""},
		"no port":         {Request{PageServer: "host"}, "Use --page-server ADDRESS:PORT to specify page server"},
		"empty port":      {Request{PageServer: "host:"}, "Use --page-server ADDRESS:PORT to specify page server"},
		"empty host":      {Request{PageServer: ":1"}, "Use --page-server ADDRESS:PORT to specify page server"},
		"named port":      {Request{PageServer: "host:http"}, "Invalid port number"},
		"port too large":  {Request{PageServer: "host:65536"}, "Invalid port number"},
		"empty network":   {Request{EmptyNs: []string{"network"}}, ""},
		"empty pid":       {Request{EmptyNs: []string{"network", "pid"}}, `namespace "pid" is not supported`},
		"parent":          {Request{CriuOpts: parent("parent")}, ""},
		"absolute parent": {Request{CriuOpts: parent(images + "/parent")}, "--parent-path must be relative"},
		"no parent":       {Request{CriuOpts: parent("nowhere")}, "invalid --parent-path: stat"},
		"parent a file":   {Request{CriuOpts: parent("file")}, "file: not a directory"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			opts, err := tt.Options()
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if opts.EmptyNs != unix.CLONE_NEWNET {
				t.Errorf("empty namespaces %#x, want the network's", opts.EmptyNs)
			}
			if want := filepath.Join(dir, "checkpoint"); tt.ImagesDirectory == "" && opts.ImagesDirectory != want {
				t.Errorf("images in %s, want %s", opts.ImagesDirectory, want)
			}
			if _, err := os.Stat("checkpoint"); err == nil {
				t.Error("the directory was made before it is needed")
			}
		})
	}
}

func TestPageServer(t *testing.T) {
	got, err := pageServer("[::1]:27")
	if want := (libcontainer.CriuPageServerInfo{Address: "::1", Port: 27}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}
