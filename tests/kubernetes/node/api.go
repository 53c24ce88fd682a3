package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// API is the API server, by its REST interface. Paths begin with /api or /apis.
type API struct {
	server, token string
	client        *http.Client
	patience      time.Duration // for a request that is no watch
}

// Object is an object of the API, or a part of one.
type Object = map[string]any

func newAPI(server, token string) *API {
	// The server makes its certificate itself, on loopback, in our own network
	// namespace.
	insecure := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // see above
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: insecure, MaxIdleConnsPerHost: 10}}
	return &API{server: server, token: token, client: client}
}

func (a *API) request(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var text bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&text).Encode(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, a.server+path, &text)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	res, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		why, _ := io.ReadAll(res.Body) // it is the text of an error already
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, why)
	}
	return res, nil
}

// Do makes a request and reads the answer into out, if that is not nil.
func (a *API) Do(method, path string, body, out any) error {
	ctx, cancel := context.WithTimeout(context.Background(), a.patience)
	defer cancel()
	res, err := a.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		out = &Object{}
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil && err != io.EOF {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// Watch calls each with every change of the objects of a path, from the list's
// version on, until it says that it has seen enough or the context ends.
func (a *API) Watch(ctx context.Context, path, version string, each func(change string, object []byte) (enough bool)) error {
	res, err := a.request(ctx, http.MethodGet, path+"?watch=1&resourceVersion="+version, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	stream := json.NewDecoder(res.Body)
	for {
		var event struct {
			Type   string
			Object json.RawMessage
		}
		if err := stream.Decode(&event); err != nil {
			return fmt.Errorf("watch %s: %w", path, err)
		}
		if each(event.Type, event.Object) {
			return nil
		}
	}
}
