package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// writeBill writes a CycloneDX bill of materials. It has neither time nor
// serial number: the same binary has the same bill.
func writeBill(out io.Writer, version string, parts []part) error {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef:   "runc-sync",
		Type:     cdx.ComponentTypeApplication,
		Name:     "runc-sync",
		Version:  version,
		Licenses: &cdx.Licenses{{Expression: "Apache-2.0"}},
	}}
	var components []cdx.Component
	var refs []string
	for _, p := range parts {
		c, err := p.component()
		if err != nil {
			return err
		}
		components = append(components, c)
		refs = append(refs, c.BOMRef)
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: "runc-sync", Dependencies: &refs}}
	return cdx.NewBOMEncoder(out, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
}

func (p part) component() (cdx.Component, error) {
	c := cdx.Component{
		Type:       cdx.ComponentTypeLibrary,
		Name:       p.Name,
		Version:    p.Version,
		PackageURL: p.packageURL(),
		Licenses:   &cdx.Licenses{{Expression: p.expression()}},
	}
	c.BOMRef = c.PackageURL
	// go.sum's h1 is a SHA-256 of the list of the module's files.
	if sum, ok := strings.CutPrefix(p.Sum, "h1:"); ok {
		raw, err := base64.StdEncoding.DecodeString(sum)
		if err != nil {
			return c, fmt.Errorf("checksum of %s: %w", p.Name, err)
		}
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(raw)}}
	}
	return c, nil
}

// packageURL names the part as others do, see https://github.com/package-url.
func (p part) packageURL() string {
	switch {
	case p.Name == goLibrary:
		return "pkg:golang/std@" + p.Version
	case p.Sum == "":
		return "pkg:generic/" + p.Name + "@" + p.Version
	}
	return "pkg:golang/" + p.Name + "@" + p.Version
}
