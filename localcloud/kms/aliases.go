package kms

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

var aliasForm = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)

// onAlias says that an operation acts on an alias, which has no policy, and on its key.
func (s *Service) onAlias(c *dispatch.Call, alias, key string) ([]string, []dispatch.ResourcePolicy, error) {
	k, err := s.find(key, false)
	if err != nil {
		return nil, nil, err
	}
	resources, policies, err := s.onKey(c, k, nil)
	return append(resources, s.d.ARN("kms", alias)), policies, err
}

func (s *Service) registerAliases() {
	put := func(action string, do func(in *AliasInput, k keyRecord) error) {
		dispatch.Register(s.d, dispatch.Operation{Service: "kms", Action: action},
			func(c *dispatch.Call, in *AliasInput) ([]string, []dispatch.ResourcePolicy, error) {
				return s.onAlias(c, in.AliasName, in.TargetKeyID)
			},
			func(_ context.Context, _ *dispatch.Call, in *AliasInput) (*Empty, error) {
				switch {
				case !aliasForm.MatchString(in.AliasName):
					return nil, &dispatch.Error{Code: "InvalidAliasNameException", Message: "Alias must start with the prefix \"alias/\" and contain only alphanumeric characters, forward slashes, underscores and dashes."}
				case strings.HasPrefix(in.AliasName, "alias/aws/"):
					return nil, &dispatch.Error{Code: "NotAuthorizedException", Message: "Reserved aliases cannot be used."}
				}
				s.change.Lock()
				defer s.change.Unlock()
				k, err := s.find(in.TargetKeyID, false)
				if err == nil {
					err = k.pending()
				}
				if err != nil {
					return nil, err
				}
				return &Empty{}, do(in, k)
			})
	}
	put("CreateAlias", func(in *AliasInput, k keyRecord) error {
		now := dispatch.Time{Time: s.d.Clock.Now()}
		made, err := s.aliases.Create(in.AliasName, aliasRecord{in.AliasName, k.ID, now, now})
		if err == nil && !made {
			err = &dispatch.Error{Code: "AlreadyExistsException", Message: fmt.Sprintf("An alias with the name %s already exists", s.d.ARN("kms", in.AliasName))}
		}
		return err
	})
	put("UpdateAlias", func(in *AliasInput, k keyRecord) error {
		a, err := s.alias(in.AliasName)
		if err != nil {
			return err
		}
		a.KeyID, a.Updated = k.ID, dispatch.Time{Time: s.d.Clock.Now()}
		return s.aliases.Put(a.Name, a)
	})
	dispatch.Register(s.d, dispatch.Operation{Service: "kms", Action: "DeleteAlias"},
		func(c *dispatch.Call, in *DeleteAliasInput) ([]string, []dispatch.ResourcePolicy, error) {
			a, err := s.alias(in.AliasName)
			if err != nil {
				return nil, nil, err
			}
			if _, err := s.find(a.KeyID, false); err != nil { // the key is gone: its alias may go
				return []string{s.d.ARN("kms", a.Name)}, nil, nil //nolint:nilerr // its key's policy went with it
			}
			return s.onAlias(c, a.Name, a.KeyID)
		},
		func(_ context.Context, _ *dispatch.Call, in *DeleteAliasInput) (*Empty, error) {
			_, err := s.aliases.Delete(in.AliasName)
			return &Empty{}, err
		})
	dispatch.Register(s.d, dispatch.Operation{Service: "kms", Action: "ListAliases"}, dispatch.Anywhere[ListAliasesInput](), s.listAliases)
}

func (s *Service) alias(name string) (aliasRecord, error) {
	a, ok := s.aliases.Get(name)
	if !ok {
		return a, notFound("Alias %s is not found.", s.d.ARN("kms", name))
	}
	return a, nil
}

func (s *Service) listAliases(_ context.Context, _ *dispatch.Call, in *ListAliasesInput) (*ListAliasesOutput, error) {
	keyID := ""
	if in.KeyID != "" {
		k, err := s.find(in.KeyID, false)
		if err != nil {
			return nil, err
		}
		keyID = k.ID
	}
	aliases := []AliasListEntry{}
	for _, a := range s.aliases.All() {
		if keyID == "" || a.KeyID == keyID {
			aliases = append(aliases, AliasListEntry{a.Name, s.d.ARN("kms", a.Name), a.KeyID, a.Created, a.Updated})
		}
	}
	part, next, err := paginate(in.Page, aliases, func(a AliasListEntry) string { return a.AliasName })
	if err != nil {
		return nil, err
	}
	return &ListAliasesOutput{Aliases: part, NextMarker: next, Truncated: next != ""}, nil
}
