package platform

import (
	"encoding/json"

	"github.com/carepath/carepath/components/restapi"
	"github.com/carepath/carepath/components/usercreation"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// usersPath is where users are created.
const usersPath = "/users"

// users is the creation of users: a route that runs a state machine and answers with its output.
type users struct {
	creation *usercreation.UserCreation
	api      *restapi.API
}

func (s *system) newUsers() (*users, error) {
	c, days := s.config.Users, pulumi.Int(s.config.Platform.LogRetentionDays)
	model, err := usercreation.RequestModel(c.Attributes)
	if err != nil {
		return nil, err
	}
	u := &users{}
	u.creation, err = usercreation.NewUserCreation(s.ctx, "users", &usercreation.UserCreationArgs{
		FirstID: c.FirstID, Allocation: c.Allocation, Attributes: c.Attributes, MFA: c.MFA, DeletionProtection: c.DeletionProtection,
		KMSKeyARN:        s.key.Arn,
		LogRetentionDays: days,
		AlarmTopicARNs:   s.alarmTopics(),
	}, s.options()...)
	if err != nil {
		return nil, err
	}
	u.api, err = restapi.NewAPI(s.ctx, "users-api", &restapi.APIArgs{
		Description: pulumi.String("Creates users"),
		Routes: []restapi.Route{restapi.SyncWorkflowRoute{
			Path: usersPath, StateMachineARN: u.creation.StateMachineARN, Schema: json.RawMessage(model), MaxBodyBytes: maxUserBytes,
		}},
		Throttle:         restapi.Throttle{RatePerSecond: pulumi.Float64(c.Throttle.RatePerSecond), Burst: pulumi.Int(c.Throttle.Burst)},
		KMSKeyARN:        s.key.Arn,
		LogRetentionDays: days,
		Account:          s.account,
	}, s.options()...)
	if err != nil {
		return nil, err
	}
	return u, nil
}

// maxUserBytes is more than any user has that the workflow takes.
const maxUserBytes = 64 << 10

func (u *users) outputs() map[string]pulumi.Input {
	return map[string]pulumi.Input{
		"usersUrl":         pulumi.Sprintf("%s%s", u.api.InvokeURL, usersPath),
		"usersTableName":   u.creation.TableName,
		"userPoolId":       u.creation.UserPoolID,
		"userPoolClientId": u.creation.UserPoolClientID,
	}
}
