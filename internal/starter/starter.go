// Package starter writes the config.json that a new bundle begins with.
package starter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/runc/libcontainer/specconv"
)

const configFile = "config.json"

// Write makes a config.json in the directory bundle, the working directory if
// that is "". It replaces none, and leaves none behind on an error.
func Write(bundle string, rootless bool) error {
	spec := specconv.Example()
	if rootless {
		specconv.ToRootless(spec)
	}
	data, err := json.MarshalIndent(spec, "", "\t")
	if err != nil {
		return err
	}
	// O_EXCL takes a dangling symbolic link for a file, too.
	path := filepath.Join(bundle, configFile)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("File %s exists. Remove it first", configFile) //nolint:staticcheck // upstream's text
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
