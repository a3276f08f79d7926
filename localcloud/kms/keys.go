package kms

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func (s *Service) registerKeys() {
	dispatch.Register(s.d, dispatch.Operation{Service: "kms", Action: "CreateKey"}, dispatch.Anywhere[CreateKeyInput](), s.createKey)
	dispatch.Register(s.d, dispatch.Operation{Service: "kms", Action: "ListKeys"}, dispatch.Anywhere[ListKeysInput](), s.listKeys)
	registerKey(s, "DescribeKey", true, func(_ *KeyInput, k keyRecord) (*KeyMetadataOutput, error) { return s.describe(k), nil })
	registerKey(s, "GetKeyPolicy", false, func(in *GetKeyPolicyInput, k keyRecord) (*GetKeyPolicyOutput, error) {
		if err := checkPolicyName(in.PolicyName); err != nil {
			return nil, err
		}
		return &GetKeyPolicyOutput{Policy: k.Policy, PolicyName: "default"}, nil
	})
	s.registerPutKeyPolicy()
	s.registerRotation()
	s.registerDeletion()
	registerKey(s, "EnableKey", false, func(in *KeyInput, _ keyRecord) (*Empty, error) { return s.setDisabled(in.KeyID, false) })
	registerKey(s, "DisableKey", false, func(in *KeyInput, _ keyRecord) (*Empty, error) { return s.setDisabled(in.KeyID, true) })
	registerKey(s, "UpdateKeyDescription", false, func(in *UpdateKeyDescriptionInput, _ keyRecord) (*Empty, error) {
		return &Empty{}, s.update(in.KeyID, func(k *keyRecord) error {
			k.Description = in.Description
			return k.pending()
		})
	})
	registerKey(s, "TagResource", false, func(in *TagResourceInput, _ keyRecord) (*Empty, error) {
		return &Empty{}, s.update(in.KeyID, func(k *keyRecord) error {
			if err := checkTags(in.Tags); err != nil {
				return err
			}
			k.Tags = slices.Clone(k.Tags)
			for _, t := range in.Tags {
				if i := slices.IndexFunc(k.Tags, func(old Tag) bool { return old.TagKey == t.TagKey }); i >= 0 {
					k.Tags[i] = t
				} else {
					k.Tags = append(k.Tags, t)
				}
			}
			if err := checkTags(k.Tags); err != nil {
				return err
			}
			return k.pending()
		})
	})
	registerKey(s, "UntagResource", false, func(in *UntagResourceInput, _ keyRecord) (*Empty, error) {
		return &Empty{}, s.update(in.KeyID, func(k *keyRecord) error {
			k.Tags = slices.DeleteFunc(slices.Clone(k.Tags), func(t Tag) bool { return slices.Contains(in.TagKeys, t.TagKey) })
			return k.pending()
		})
	})
	registerKey(s, "ListResourceTags", false, func(in *ListResourceTagsInput, k keyRecord) (*ListResourceTagsOutput, error) {
		part, next, err := paginate(in.Page, k.Tags, func(t Tag) string { return t.TagKey })
		if err != nil {
			return nil, err
		}
		return &ListResourceTagsOutput{Tags: append([]Tag{}, part...), NextMarker: next, Truncated: next != ""}, nil
	})
}

func (s *Service) createKey(_ context.Context, c *dispatch.Call, in *CreateKeyInput) (*KeyMetadataOutput, error) {
	for _, spec := range []string{in.KeySpec, in.CustomerMasterKeySpec} {
		if spec != "" && spec != symmetric {
			return nil, unsupported("KeySpec", spec)
		}
	}
	switch {
	case in.KeyUsage != "" && in.KeyUsage != "ENCRYPT_DECRYPT":
		return nil, unsupported("KeyUsage", in.KeyUsage)
	case in.Origin != "" && in.Origin != "AWS_KMS":
		return nil, unsupported("Origin", in.Origin)
	case in.MultiRegion:
		return nil, unsupported("MultiRegion", "true")
	case len(in.Description) > 8192:
		return nil, validation("1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	id := dispatch.NewRequestID() // the same form: a random UUID
	k := keyRecord{
		ID: id, ARN: s.d.ARN("kms", "key/"+id), Policy: in.Policy, Description: in.Description,
		Created: dispatch.Time{Time: s.d.Clock.Now()}, Tags: in.Tags, Material: newMaterial(),
	}
	if k.Policy == "" {
		k.Policy = fmt.Sprintf(defaultPolicy, s.d.Account)
	} else if err := s.checkPolicy(c, k.Policy, k.ARN, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	if err := s.keys.Put(id, k); err != nil {
		return nil, err
	}
	return s.describe(k), nil
}

func unsupported(member, value string) error {
	return &dispatch.Error{Code: "UnsupportedOperationException", Message: fmt.Sprintf("the embedded AWS has symmetric encryption keys of KMS's own making only, not %s %s", member, value)}
}

func (s *Service) listKeys(_ context.Context, _ *dispatch.Call, in *ListKeysInput) (*ListKeysOutput, error) {
	keys := []KeyListEntry{}
	for id := range s.keys.All() {
		if k, err := s.find(id, false); err == nil {
			keys = append(keys, KeyListEntry{k.ID, k.ARN})
		}
	}
	part, next, err := paginate(in.Page, keys, func(k KeyListEntry) string { return k.KeyID })
	if err != nil {
		return nil, err
	}
	return &ListKeysOutput{Keys: part, NextMarker: next, Truncated: next != ""}, nil
}

func checkPolicyName(name string) error {
	if name != "" && name != "default" {
		return notFound("No such policy exists")
	}
	return nil
}

func (s *Service) registerPutKeyPolicy() {
	dispatch.Register(s.d, dispatch.Operation{Service: "kms", Action: "PutKeyPolicy"},
		func(c *dispatch.Call, in *PutKeyPolicyInput) ([]string, []dispatch.ResourcePolicy, error) {
			k, err := s.find(in.KeyID, false)
			if err != nil {
				return nil, nil, err
			}
			return s.onKey(c, k, nil)
		},
		func(_ context.Context, c *dispatch.Call, in *PutKeyPolicyInput) (*Empty, error) {
			if err := checkPolicyName(in.PolicyName); err != nil {
				return nil, err
			}
			return &Empty{}, s.update(in.KeyID, func(k *keyRecord) error {
				k.Policy = in.Policy
				return s.checkPolicy(c, in.Policy, k.ARN, in.BypassPolicyLockoutSafetyCheck)
			})
		})
}

func (s *Service) setDisabled(id string, disabled bool) (*Empty, error) {
	return &Empty{}, s.update(id, func(k *keyRecord) error {
		k.Disabled = disabled
		return k.pending()
	})
}

func (s *Service) registerRotation() {
	registerKey(s, "EnableKeyRotation", false, func(in *EnableKeyRotationInput, _ keyRecord) (*Empty, error) {
		days := in.RotationPeriodInDays
		if days == 0 {
			days = 365
		}
		if days < 90 || days > 2560 {
			return nil, validation("1 validation error detected: Value '%d' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value between 90 and 2560", days)
		}
		return &Empty{}, s.update(in.KeyID, func(k *keyRecord) error {
			k.RotationDays, k.RotationSince = days, dispatch.Time{Time: s.d.Clock.Now()}
			return k.usable()
		})
	})
	registerKey(s, "DisableKeyRotation", false, func(in *KeyInput, _ keyRecord) (*Empty, error) {
		return &Empty{}, s.update(in.KeyID, func(k *keyRecord) error {
			k.RotationDays = 0
			return k.usable()
		})
	})
	registerKey(s, "GetKeyRotationStatus", false, func(_ *KeyInput, k keyRecord) (*GetKeyRotationStatusOutput, error) {
		if err := k.pending(); err != nil {
			return nil, err
		}
		out := &GetKeyRotationStatusOutput{KeyRotationEnabled: k.RotationDays > 0, KeyID: k.ID}
		if k.RotationDays > 0 {
			period := time.Duration(k.RotationDays) * day
			passed := s.d.Clock.Now().Sub(k.RotationSince.Time)
			out.RotationPeriodInDays = k.RotationDays
			out.NextRotationDate = &dispatch.Time{Time: k.RotationSince.Add(passed - passed%period + period)}
		}
		return out, nil
	})
}

func (s *Service) registerDeletion() {
	registerKey(s, "ScheduleKeyDeletion", false, func(in *ScheduleKeyDeletionInput, _ keyRecord) (*ScheduleKeyDeletionOutput, error) {
		days := in.PendingWindowInDays
		if days == 0 {
			days = 30
		}
		if days < 7 || days > 30 {
			return nil, validation("1 validation error detected: Value '%d' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value between 7 and 30", days)
		}
		var out ScheduleKeyDeletionOutput
		err := s.update(in.KeyID, func(k *keyRecord) error {
			if err := k.pending(); err != nil {
				return err
			}
			k.Deletion = &dispatch.Time{Time: s.d.Clock.Now().Add(time.Duration(days) * day)}
			out = ScheduleKeyDeletionOutput{k.ARN, *k.Deletion, k.state(), days}
			return nil
		})
		return &out, err
	})
	registerKey(s, "CancelKeyDeletion", false, func(in *KeyInput, _ keyRecord) (*CancelKeyDeletionOutput, error) {
		var out CancelKeyDeletionOutput
		err := s.update(in.KeyID, func(k *keyRecord) error {
			if k.Deletion == nil {
				return &dispatch.Error{Code: "KMSInvalidStateException", Message: k.ARN + " is not pending deletion."}
			}
			k.Deletion, k.Disabled = nil, true // as in AWS it must be enabled again
			out.KeyID = k.ARN
			return nil
		})
		return &out, err
	})
}
