package statedir

import "strings"

// legalID tells whether a container may be called id, as libcontainer has it:
// letters and digits of ASCII and _+-., and no name that stands for a directory
// in every directory.
func legalID(id string) bool {
	illegal := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_+-.", r)
	}
	return id != "" && id != "." && id != ".." && !strings.ContainsFunc(id, illegal)
}
