package launch

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Overrides are exec's changes to the process that the bundle describes. A
// zero value leaves that property as it is, but for Args, which must be given,
// and Terminal.
type Overrides struct {
	Args           []string
	Env            []string // added
	Cwd            string
	User           string   // UID[:GID]
	AdditionalGids []int64  // added
	Capabilities   []string // added
	Label          string   // SELinux
	AppArmor       string
	NoNewPrivs     *bool
	Terminal       bool
}

func (o *Overrides) apply(p *specs.Process) error {
	if len(o.Args) == 0 {
		return errors.New("exec args cannot be empty")
	}
	p.Args = o.Args
	p.Env = append(p.Env, o.Env...)
	p.Terminal = o.Terminal
	replace(&p.Cwd, o.Cwd)
	replace(&p.SelinuxLabel, o.Label)
	replace(&p.ApparmorProfile, o.AppArmor)
	if o.NoNewPrivs != nil {
		p.NoNewPrivileges = *o.NoNewPrivs
	}
	o.addCapabilities(p)
	if err := setUser(&p.User, o.User); err != nil {
		return err
	}
	return addGids(&p.User, o.AdditionalGids)
}

func replace(s *string, by string) {
	if by != "" {
		*s = by
	}
}

// addCapabilities adds to the ambient set only where something may be
// inherited: the kernel refuses an ambient capability that is not inheritable.
func (o *Overrides) addCapabilities(p *specs.Process) {
	if len(o.Capabilities) == 0 {
		return
	}
	if p.Capabilities == nil {
		p.Capabilities = &specs.LinuxCapabilities{}
	}
	c := p.Capabilities
	for _, set := range []*[]string{&c.Bounding, &c.Effective, &c.Permitted} {
		*set = append(*set, o.Capabilities...)
	}
	if c.Inheritable != nil {
		c.Ambient = append(c.Ambient, o.Capabilities...)
	}
}

func setUser(u *specs.User, s string) error {
	if s == "" {
		return nil
	}
	uid, gid, hasGID := strings.Cut(s, ":")
	if hasGID {
		n, err := strconv.ParseUint(gid, 10, 32)
		if err != nil {
			return fmt.Errorf("bad gid: %w", err)
		}
		u.GID = uint32(n)
	}
	n, err := strconv.ParseUint(uid, 10, 32)
	if err != nil {
		return fmt.Errorf("bad uid: %w", err)
	}
	u.UID = uint32(n)
	return nil
}

func addGids(u *specs.User, gids []int64) error {
	for _, gid := range gids {
		if gid < 0 || gid > math.MaxUint32 {
			return fmt.Errorf("additional-gids must be a positive number %d", gid)
		}
		u.AdditionalGids = append(u.AdditionalGids, uint32(gid))
	}
	return nil
}
