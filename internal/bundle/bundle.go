// Package bundle reads OCI bundles: config.json and the process descriptions
// in it, and their translation into what libcontainer starts.
package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/opencontainers/selinux/go-selinux"
)

// Config is the name of a bundle's specification.
const Config = "config.json"

// Enter makes dir the working directory, unless it is "", and returns the
// specification found there. libcontainer takes the bundle's path from the
// working directory, and a relative root.path counts from it.
func Enter(dir string) (*specs.Spec, error) {
	if dir != "" {
		if err := os.Chdir(dir); err != nil {
			return nil, err
		}
	}
	data, err := os.ReadFile(Config)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("JSON specification file %s not found", Config)
	case err != nil:
		return nil, err
	}
	var spec *specs.Spec
	if err := decode(Config, data, &spec); err != nil {
		return nil, err
	}
	if spec == nil {
		return nil, errors.New("config cannot be null")
	}
	return spec, Check(spec.Process)
}

// ReadProcess returns the process described by the JSON file path.
func ReadProcess(path string) (*specs.Process, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var p *specs.Process
	if err := decode(path, data, &p); err != nil {
		return nil, err
	}
	return p, Check(p)
}

// Check refuses a process that could not be started, before anything is made
// for it.
func Check(p *specs.Process) error {
	switch {
	case p == nil:
		return errors.New("process property must not be empty")
	case p.Cwd == "":
		return errors.New("Cwd property must not be empty") //nolint:staticcheck // upstream's text
	case !filepath.IsAbs(p.Cwd):
		return errors.New("Cwd must be an absolute path") //nolint:staticcheck // upstream's text
	case len(p.Args) == 0:
		return errors.New("args must not be empty")
	case p.SelinuxLabel != "" && !selinux.GetEnabled():
		return errors.New("selinux label is specified in config, but selinux is disabled or not supported")
	}
	return nil
}
