package drain

import "errors"

// doubts are why no end can be claimed. They keep nobody from being killed.
type doubts struct {
	lasting []*UnverifiableError
	passing []error // of one look: what was read well with the next is no doubt
}

// of notes a doubt for good, once for each thing that is in doubt.
func (d *doubts) of(what string, why error) {
	for _, known := range d.lasting {
		if known.What == what {
			return
		}
	}
	u, ok := asType[*UnverifiableError](why)
	if !ok {
		u = &UnverifiableError{What: what, Err: why}
	}
	d.lasting = append(d.lasting, u)
}

// sort notes the error that a look at p came to. It returns those that are no
// matter of knowing: a signal that could not be sent.
func (d *doubts) sort(p part, err error) error {
	switch {
	case err == nil:
	case unsignalled(err):
		return err
	case exhausted(err):
		d.passing = append(d.passing, &UnverifiableError{What: p.name(), Err: err})
	default:
		d.of(p.name(), err)
	}
	return nil
}

// err is all of them; nil if there are none.
func (d *doubts) err() error {
	var all error
	for _, u := range d.lasting {
		all = errors.Join(all, u)
	}
	return errors.Join(all, errors.Join(d.passing...))
}
