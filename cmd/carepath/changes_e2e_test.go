package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/fhir"
)

// tailed is the document of changes tail.
type tailed struct {
	Changes              []*changes.Change
	Versions, Duplicates int
	Skipped              int
}

// tail waits for so many versions.
func (l *local) tail(t testing.TB, versions int) (of map[string]*changes.Change) {
	var counts tailed
	t.Helper()
	start := time.Now()
	stdout := carepath(t, exitDone, "changes", "tail", "--count", fmt.Sprint(versions), "--timeout", "2m", "--json", "--resource")
	if err := json.Unmarshal([]byte(stdout), &counts); err != nil {
		t.Fatal(err)
	}
	of = map[string]*changes.Change{}
	for _, c := range counts.Changes {
		of[fmt.Sprintf("%s/%s/%d", c.ResourceType, c.ResourceID, c.Version)] = c
	}
	if counts.Versions != versions || len(of) != versions || counts.Skipped != 0 {
		t.Fatalf("%d versions, %d of them different, %d messages that are no changes", counts.Versions, len(of), counts.Skipped)
	}
	t.Logf("%d versions and %d duplicates came within %.1f s", counts.Versions, counts.Duplicates, time.Since(start).Seconds())
	return of
}

// testChanges loads a thousand resources, and changes some: every version is an event.
func (l *local) testChanges(t *testing.T) {
	const count = 1000
	people := carepath(t, exitDone, "fhir", "generate", "--count", fmt.Sprint(count), "--seed", "7")
	var stdout, stderr bytes.Buffer
	if code := run([]string{"fhir", "load", "-"}, strings.NewReader(people), &stdout, &stderr); code != exitDone {
		t.Fatalf("exit code %d: %s%s", code, stdout.String(), stderr.String())
	}
	of := l.tail(t, count)
	var heads []fhir.Head
	for line := range strings.Lines(people) {
		head, err := fhir.ParseHead([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if c := of[head.ResourceType+"/"+head.ID+"/1"]; c == nil || c.Interaction != changes.Create || len(c.Resource) == 0 {
			t.Fatalf("version 1 of %s/%s was not told of: %+v", head.ResourceType, head.ID, c)
		}
		heads = append(heads, head)
	}
	for _, head := range heads[:3] {
		stored := carepath(t, exitDone, "fhir", "get", head.ResourceType+"/"+head.ID)
		if c := of[head.ResourceType+"/"+head.ID+"/1"]; string(c.Resource)+"\n" != stored {
			t.Errorf("the event has %s\nthe data store has %s", c.Resource, stored)
		}
	}

	updated, deleted := heads[0].ResourceType+"/"+heads[0].ID, heads[1].ResourceType+"/"+heads[1].ID
	text := fmt.Sprintf(`{"resourceType":%q,"id":%q,"active":false}`, heads[0].ResourceType, heads[0].ID)
	for range 2 {
		if code := run([]string{"fhir", "put", "-"}, strings.NewReader(text), &stdout, &stderr); code != exitDone {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
	}
	carepath(t, exitDone, "fhir", "delete", deleted)
	of = l.tail(t, 3)
	for key, want := range map[string]changes.Interaction{updated + "/2": changes.Update, updated + "/3": changes.Update, deleted + "/2": changes.Delete} {
		if c := of[key]; c == nil || c.Interaction != want || (c.Resource == nil) != (want == changes.Delete) {
			t.Errorf("%s was not told of as %s: %+v", key, want, c)
		}
	}
	again, _, _ := strings.Cut(people[strings.Index(people, "\n")+1:], "\n")
	if code := run([]string{"fhir", "put", "-"}, strings.NewReader(again), &stdout, &stderr); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	of = l.tail(t, 1)
	if c := of[deleted+"/3"]; c == nil || c.Interaction != changes.Create {
		t.Errorf("%s was not told of as made again: %v", deleted, of)
	}
}
