// Command deps tells what is linked into a runtime's binary: from where, under
// which licence and, of what go.mod asks for itself, why.
//
//	deps -root REPOSITORY -binary FILE report|check|licences|sbom
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	root := flag.String("root", ".", "the repository `DIR`, with go.mod, NOTICE and docs/dependencies.md")
	binary := flag.String("binary", "", "the `FILE` to tell about")
	version := flag.String("version", "", "the `VERSION` that a bill of materials names")
	flag.Parse()
	if err := run(os.Stdout, *root, *binary, *version, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "deps:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, root, binary, version, what string) error {
	if binary == "" {
		return fmt.Errorf("-binary is missing")
	}
	parts, err := linked(root, binary)
	if err != nil {
		return err
	}
	switch what {
	case "report":
		return report(out, root, parts)
	case "check":
		return check(out, root, parts)
	case "licences":
		return writeLicences(out, parts)
	case "sbom":
		return writeBill(out, version, parts)
	}
	return fmt.Errorf("%q is not one of report, check, licences, sbom", what)
}
