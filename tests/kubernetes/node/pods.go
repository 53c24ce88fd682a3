package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const podsPath = "/api/v1/namespaces/default/pods"

// Pod is what a test asks of a pod's object.
type Pod struct {
	Metadata struct {
		Name, UID, ResourceVersion, DeletionTimestamp string
		Labels                                        map[string]string
	}
	Status struct {
		Phase             string
		Reason            string
		ContainerStatuses []ContainerStatus
	}
}

// ContainerStatus is a container's part of it.
type ContainerStatus struct {
	Name         string
	ContainerID  string
	Ready        bool
	RestartCount int
	State        ContainerState
	LastState    ContainerState
}

// ContainerState has one field that is not nil.
type ContainerState struct {
	Running    *struct{ StartedAt string }
	Terminated *struct {
		Reason, ContainerID string
		ExitCode            int
	}
	Waiting *struct{ Reason, Message string }
}

// Ready says whether all containers are.
func (p *Pod) Ready() bool {
	for _, c := range p.Status.ContainerStatuses {
		if !c.Ready {
			return false
		}
	}
	return len(p.Status.ContainerStatuses) > 0
}

// Create makes a pod.
func (a *API) Create(pod Object) (*Pod, error) {
	made := &Pod{}
	return made, a.Do(http.MethodPost, podsPath, pod, made)
}

// Get asks for a pod.
func (a *API) Get(name string) (*Pod, error) {
	pod := &Pod{}
	return pod, a.Do(http.MethodGet, podsPath+"/"+name, nil, pod)
}

// Delete asks for the end of a pod, with its own grace period unless grace says
// another. It returns at once.
func (a *API) Delete(name string, grace *int) error {
	options := Object{"kind": "DeleteOptions", "apiVersion": "v1"}
	if grace != nil {
		options["gracePeriodSeconds"] = *grace
	}
	return a.Do(http.MethodDelete, podsPath+"/"+name, options, nil)
}

// Evict is what kubectl drain does to each pod of a node.
func (a *API) Evict(name string) error {
	return a.Do(http.MethodPost, podsPath+"/"+name+"/eviction", Object{
		"apiVersion": "policy/v1", "kind": "Eviction", "metadata": Object{"name": name, "namespace": "default"},
	}, nil)
}

// Departures calls gone for each pod whose object goes from now on, at that
// moment and one at a time, until the function that it returns is called.
func (a *API) Departures(gone func(pod *Pod, at time.Time)) (stop func(), err error) {
	var list struct {
		Metadata struct{ ResourceVersion string }
	}
	if err := a.Do(http.MethodGet, podsPath, nil, &list); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_ = a.Watch(ctx, podsPath, list.Metadata.ResourceVersion, func(change string, object []byte) bool {
				at := time.Now()
				var pod Pod
				if json.Unmarshal(object, &pod) == nil {
					list.Metadata.ResourceVersion = pod.Metadata.ResourceVersion
					if change == "DELETED" {
						gone(&pod, at)
					}
				}
				return false
			}) // a broken watch goes on where it was
		}
	}()
	return func() { cancel(); <-ended }, nil
}

// Event is something that a component has reported of an object.
type Event struct {
	Reason, Message, Type string
	Count                 int
}

// Events of a pod, in the order in which they were first reported.
func (a *API) Events(name string) ([]Event, error) {
	var list struct{ Items []Event }
	err := a.Do(http.MethodGet, "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name="+name, nil, &list)
	return list.Items, err
}

// ready says whether the node takes pods.
func (a *API) ready(name string) error {
	var node struct {
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := a.Do(http.MethodGet, "/api/v1/nodes/"+name, nil, &node); err != nil {
		return err
	}
	for _, c := range node.Status.Conditions {
		if c.Type == "Ready" && c.Status == "True" {
			return nil
		}
	}
	return fmt.Errorf("node %s is not ready: %v", name, node.Status.Conditions)
}
