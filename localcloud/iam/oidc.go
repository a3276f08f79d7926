package iam

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// oidcRecord is an OpenID Connect identity provider as the state file keeps it.
type oidcRecord struct {
	ARN, URL    string // the URL without its scheme
	ClientIDs   []string
	Thumbprints []string // of the certificates that the provider's keys are fetched with; AWS finds them itself for most
	Created     dispatch.Time
	Tags        []Tag
}

// CreateOpenIDConnectProviderInput is the request of CreateOpenIDConnectProvider.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
type CreateOpenIDConnectProviderInput struct {
	Url            string
	ClientIDList   []string `json:",omitempty"` // audiences
	ThumbprintList []string `json:",omitempty"` // hexadecimal SHA-1, at most five
	Tags           []Tag    `json:",omitempty"`
}

// CreateOpenIDConnectProviderOutput is the response of CreateOpenIDConnectProvider.
type CreateOpenIDConnectProviderOutput struct {
	OpenIDConnectProviderArn string
	Tags                     []Tag `json:",omitempty"`
}

// OpenIDConnectProviderInput is the request of operations that need a provider's ARN only.
type OpenIDConnectProviderInput struct{ OpenIDConnectProviderArn string }

// GetOpenIDConnectProviderOutput is the response of GetOpenIDConnectProvider.
type GetOpenIDConnectProviderOutput struct {
	Url            string // without https://
	ClientIDList   []string
	ThumbprintList []string
	CreateDate     dispatch.Time
	Tags           []Tag `json:",omitempty"`
}

// OpenIDConnectProviderListEntry names a provider.
type OpenIDConnectProviderListEntry struct{ Arn string }

// ListOpenIDConnectProvidersOutput is the response of ListOpenIDConnectProviders.
type ListOpenIDConnectProvidersOutput struct {
	OpenIDConnectProviderList []OpenIDConnectProviderListEntry
}

// ClientIDInput is the request of AddClientIDToOpenIDConnectProvider and RemoveClientIDFromOpenIDConnectProvider.
type ClientIDInput struct {
	OpenIDConnectProviderArn string
	ClientID                 string
}

// UpdateOpenIDConnectProviderThumbprintInput is the request of UpdateOpenIDConnectProviderThumbprint.
type UpdateOpenIDConnectProviderThumbprintInput struct {
	OpenIDConnectProviderArn string
	ThumbprintList           []string
}

// TagOpenIDConnectProviderInput is the request of TagOpenIDConnectProvider.
type TagOpenIDConnectProviderInput struct {
	OpenIDConnectProviderArn string
	Tags                     []Tag
}

// UntagOpenIDConnectProviderInput is the request of UntagOpenIDConnectProvider.
type UntagOpenIDConnectProviderInput struct {
	OpenIDConnectProviderArn string
	TagKeys                  []string
}

// ListOpenIDConnectProviderTagsInput is the request of ListOpenIDConnectProviderTags.
type ListOpenIDConnectProviderTagsInput struct {
	OpenIDConnectProviderArn string
	Page
}

// Quotas of a provider.
const (
	clientIDQuota   = 100
	thumbprintQuota = 5
)

var thumbprintForm = regexp.MustCompile(`^[0-9A-Fa-f]{40}$`)

func (s *Service) registerOIDCProviders() {
	register(s, "CreateOpenIDConnectProvider", func(in *CreateOpenIDConnectProviderInput) string {
		return s.arn("oidc-provider/" + strings.TrimPrefix(in.Url, "https://"))
	}, s.createOIDCProvider)
	of := func(in *OpenIDConnectProviderInput) string { return in.OpenIDConnectProviderArn }
	register(s, "GetOpenIDConnectProvider", of, func(in *OpenIDConnectProviderInput) (*GetOpenIDConnectProviderOutput, error) {
		p, err := s.oidcProvider(in.OpenIDConnectProviderArn)
		if err != nil {
			return nil, err
		}
		return &GetOpenIDConnectProviderOutput{Url: p.URL, ClientIDList: p.ClientIDs, ThumbprintList: p.Thumbprints, CreateDate: p.Created, Tags: p.Tags}, nil
	})
	register(s, "DeleteOpenIDConnectProvider", of, func(in *OpenIDConnectProviderInput) (*Empty, error) {
		s.change.Lock()
		defer s.change.Unlock()
		if _, err := s.oidcProvider(in.OpenIDConnectProviderArn); err != nil {
			return nil, err
		}
		_, err := s.oidc.Delete(in.OpenIDConnectProviderArn)
		return &Empty{}, err
	})
	register(s, "ListOpenIDConnectProviders", func(*Empty) string { return s.arn("oidc-provider/*") }, func(*Empty) (*ListOpenIDConnectProvidersOutput, error) {
		out := &ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: []OpenIDConnectProviderListEntry{}}
		for _, p := range s.oidc.All() {
			out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, OpenIDConnectProviderListEntry{p.ARN})
		}
		return out, nil
	})
	client := func(in *ClientIDInput) string { return in.OpenIDConnectProviderArn }
	register(s, "AddClientIDToOpenIDConnectProvider", client, func(in *ClientIDInput) (*Empty, error) {
		return &Empty{}, s.updateOIDCProvider(in.OpenIDConnectProviderArn, func(p *oidcRecord) error {
			if !slices.Contains(p.ClientIDs, in.ClientID) {
				p.ClientIDs = slices.Concat(p.ClientIDs, []string{in.ClientID})
			}
			return p.check()
		})
	})
	register(s, "RemoveClientIDFromOpenIDConnectProvider", client, func(in *ClientIDInput) (*Empty, error) {
		return &Empty{}, s.updateOIDCProvider(in.OpenIDConnectProviderArn, func(p *oidcRecord) error {
			p.ClientIDs = slices.DeleteFunc(slices.Clone(p.ClientIDs), func(id string) bool { return id == in.ClientID })
			return nil
		})
	})
	register(s, "UpdateOpenIDConnectProviderThumbprint", func(in *UpdateOpenIDConnectProviderThumbprintInput) string { return in.OpenIDConnectProviderArn },
		func(in *UpdateOpenIDConnectProviderThumbprintInput) (*Empty, error) {
			return &Empty{}, s.updateOIDCProvider(in.OpenIDConnectProviderArn, func(p *oidcRecord) error {
				p.Thumbprints = in.ThumbprintList
				return p.check()
			})
		})
	register(s, "TagOpenIDConnectProvider", func(in *TagOpenIDConnectProviderInput) string { return in.OpenIDConnectProviderArn },
		func(in *TagOpenIDConnectProviderInput) (*Empty, error) {
			return &Empty{}, s.updateOIDCProvider(in.OpenIDConnectProviderArn, func(p *oidcRecord) error {
				if err := checkTags(in.Tags); err != nil {
					return err
				}
				p.Tags = mergeTags(p.Tags, in.Tags)
				return checkTags(p.Tags)
			})
		})
	register(s, "UntagOpenIDConnectProvider", func(in *UntagOpenIDConnectProviderInput) string { return in.OpenIDConnectProviderArn },
		func(in *UntagOpenIDConnectProviderInput) (*Empty, error) {
			return &Empty{}, s.updateOIDCProvider(in.OpenIDConnectProviderArn, func(p *oidcRecord) error {
				p.Tags = withoutTags(p.Tags, in.TagKeys)
				return nil
			})
		})
	register(s, "ListOpenIDConnectProviderTags", func(in *ListOpenIDConnectProviderTagsInput) string { return in.OpenIDConnectProviderArn },
		func(in *ListOpenIDConnectProviderTagsInput) (*ListTagsOutput, error) {
			p, err := s.oidcProvider(in.OpenIDConnectProviderArn)
			if err != nil {
				return nil, err
			}
			return listTags(p.Tags, in.Page)
		})
}

func (s *Service) oidcProvider(arn string) (oidcRecord, error) {
	p, ok := s.oidc.Get(arn)
	if !ok {
		return p, &dispatch.Error{Code: "NoSuchEntity", Status: 404, Message: "OpenIDConnect Provider not found for arn " + arn}
	}
	return p, nil
}

// updateOIDCProvider changes a provider as updateRole changes a role.
func (s *Service) updateOIDCProvider(arn string, f func(p *oidcRecord) error) error {
	s.change.Lock()
	defer s.change.Unlock()
	p, err := s.oidcProvider(arn)
	if err != nil {
		return err
	}
	if err := f(&p); err != nil {
		return err
	}
	if err := s.oidc.Put(arn, p); err != nil {
		return fmt.Errorf("keeping the identity provider %s: %w", arn, err)
	}
	return nil
}

func (p *oidcRecord) check() error {
	for _, id := range p.ClientIDs {
		if id == "" || len(id) > 255 {
			return validation("1 validation error detected: Value at 'clientID' failed to satisfy constraint: Member must have length between 1 and 255")
		}
	}
	for _, thumbprint := range p.Thumbprints {
		if !thumbprintForm.MatchString(thumbprint) {
			return &dispatch.Error{Code: "InvalidInput", Message: "Thumbprint must be a 40-character hexadecimal string."}
		}
	}
	switch {
	case len(p.ClientIDs) > clientIDQuota:
		return &dispatch.Error{Code: "LimitExceeded", Status: 409, Message: fmt.Sprintf("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", clientIDQuota)}
	case len(p.Thumbprints) > thumbprintQuota:
		return &dispatch.Error{Code: "InvalidInput", Message: "Thumbprint list must contain fewer than 5 entries."}
	}
	return nil
}

func (s *Service) createOIDCProvider(in *CreateOpenIDConnectProviderInput) (*CreateOpenIDConnectProviderOutput, error) {
	at, err := url.Parse(in.Url)
	if err != nil || at.Scheme != "https" || at.Host == "" || at.RawQuery != "" || at.Port() != "" || len(in.Url) > 255 {
		return nil, validation("Invalid Open ID Connect Provider URL")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(strings.TrimPrefix(in.Url, "https://"), "/")
	p := oidcRecord{
		ARN: s.arn("oidc-provider/" + name), URL: name, ClientIDs: in.ClientIDList, Thumbprints: in.ThumbprintList,
		Created: dispatch.Time{Time: s.d.Clock.Now()}, Tags: in.Tags,
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	made, err := s.oidc.Create(p.ARN, p)
	if err != nil {
		return nil, err
	}
	if !made {
		return nil, &dispatch.Error{Code: "EntityAlreadyExists", Status: 409, Message: "Provider with url " + in.Url + " already exists."}
	}
	return &CreateOpenIDConnectProviderOutput{OpenIDConnectProviderArn: p.ARN, Tags: p.Tags}, nil
}
