package platform

import (
	"encoding/json"

	"github.com/carepath/carepath/components/restapi"
	"github.com/carepath/carepath/components/usercreation"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// users is the creation of users: a route that runs a state machine and answers with its output.
type users struct {
	creation *usercreation.UserCreation
}

func (s *system) newUsers() (*users, error) {
	c, days := s.config.Users, pulumi.Int(s.config.Platform.LogRetentionDays)
	model, err := usercreation.RequestModel(c.Attributes)
	if err != nil {
		return nil, err
	}
	u := &users{}
	u.creation, err = usercreation.NewUserCreation(s.ctx, "users", &usercreation.UserCreationArgs{
		FirstID: c.FirstID, Allocation: c.Allocation, Attributes: c.Attributes, MFA: c.MFA, DeletionProtection: c.DeletionProtection, Email: c.Email.sender(),
		KMSKeyARN:        s.key.Arn,
		LogRetentionDays: days,
		AlarmTopicARNs:   s.alarmTopics(),
	}, s.options()...)
	if err != nil {
		return nil, err
	}
	err = s.newAPI("users", usersPath, "Creates users", c.Throttle, restapi.SyncWorkflowRoute{
		Path: "/", StateMachineARN: u.creation.StateMachineARN, Schema: json.RawMessage(model), MaxBodyBytes: maxUserBytes,
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// maxUserBytes is more than any user has that the workflow takes.
const maxUserBytes = 64 << 10

func (u *users) outputs() map[string]pulumi.Input {
	return map[string]pulumi.Input{
		"usersTableName":   u.creation.TableName,
		"userPoolId":       u.creation.UserPoolID,
		"userPoolClientId": u.creation.UserPoolClientID,

		"usersSweepStateMachineArn": u.creation.SweepStateMachineARN,
	}
}
