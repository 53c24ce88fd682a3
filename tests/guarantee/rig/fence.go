package rig

import (
	"os"
	"path/filepath"
)

// fenceFiles are the names that the exec fence has, or had in earlier releases,
// in the directory of all containers' state.
var fenceFiles = []string{".exec-fence@", ".exec-fence"}

// Fences removes the files of the exec fence and has put make another one of
// each name, if it is not nil.
func (r *Rig) Fences(put func(path string) error) {
	r.Helper()
	for _, name := range fenceFiles {
		path := filepath.Join(r.Root, name)
		err := os.RemoveAll(path)
		if err == nil && put != nil {
			err = put(path)
		}
		if err != nil {
			r.Fatal(err)
		}
	}
}
