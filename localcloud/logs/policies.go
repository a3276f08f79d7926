package logs

import (
	"context"
	"encoding/json"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func (s *Service) putPolicy(_ context.Context, _ *dispatch.Call, in *PutResourcePolicyInput) (*PutResourcePolicyOutput, error) {
	if in.PolicyName == "" || !json.Valid([]byte(in.PolicyDocument)) || len(in.PolicyDocument) > 5120 {
		return nil, invalid("PolicyDocument must be a JSON policy of at most 5120 characters, with a PolicyName")
	}
	if _, known := s.policies.Get(in.PolicyName); !known && s.policies.Len() >= 10 {
		return nil, dispatch.Errorf("LimitExceededException", "Resource limit exceeded.")
	}
	p := ResourcePolicy{in.PolicyName, in.PolicyDocument, s.now()}
	if err := s.policies.Put(in.PolicyName, p); err != nil {
		return nil, err
	}
	return &PutResourcePolicyOutput{p}, nil
}

func (s *Service) deletePolicy(_ context.Context, _ *dispatch.Call, in *DeleteResourcePolicyInput) (*Empty, error) {
	gone, err := s.policies.Delete(in.PolicyName)
	if err != nil {
		return nil, err
	}
	if !gone {
		return nil, dispatch.Errorf("ResourceNotFoundException", "Policy with name [%s] does not exist.", in.PolicyName)
	}
	return &Empty{}, nil
}

func (s *Service) describePolicies(context.Context, *dispatch.Call, *DescribeResourcePoliciesInput) (*DescribeResourcePoliciesOutput, error) {
	out := &DescribeResourcePoliciesOutput{ResourcePolicies: []ResourcePolicy{}}
	for _, p := range s.policies.All() { // at most ten: one page
		out.ResourcePolicies = append(out.ResourcePolicies, p)
	}
	return out, nil
}

func (s *Service) createDelivery(_ context.Context, _ *dispatch.Call, in *LogDeliveryInput) (*LogDelivery, error) {
	out := LogDelivery{dispatch.NewRequestID(), in.ResourceArn, in.LogGroupArn}
	return &out, s.deliveries.Put(out.DeliveryID, out)
}

func (s *Service) delivery(id string) (LogDelivery, error) {
	row, ok := s.deliveries.Get(id)
	if !ok {
		return row, dispatch.Errorf("ResourceNotFoundException", "The specified log delivery does not exist.")
	}
	return row, nil
}

func (s *Service) getDelivery(_ context.Context, _ *dispatch.Call, in *LogDeliveryIDInput) (*LogDelivery, error) {
	row, err := s.delivery(in.DeliveryID)
	return &row, err
}

func (s *Service) updateDelivery(_ context.Context, _ *dispatch.Call, in *LogDeliveryInput) (*LogDelivery, error) {
	if _, err := s.delivery(in.DeliveryID); err != nil {
		return nil, err
	}
	out := LogDelivery{in.DeliveryID, in.ResourceArn, in.LogGroupArn}
	return &out, s.deliveries.Put(out.DeliveryID, out)
}

func (s *Service) deleteDelivery(_ context.Context, _ *dispatch.Call, in *LogDeliveryIDInput) (*Empty, error) {
	if _, err := s.delivery(in.DeliveryID); err != nil {
		return nil, err
	}
	_, err := s.deliveries.Delete(in.DeliveryID)
	return &Empty{}, err
}

func (s *Service) listDeliveries(context.Context, *dispatch.Call, *ListLogDeliveriesInput) (*ListLogDeliveriesOutput, error) {
	out := &ListLogDeliveriesOutput{LogDeliveries: []LogDelivery{}}
	for _, row := range s.deliveries.All() {
		out.LogDeliveries = append(out.LogDeliveries, row)
	}
	return out, nil
}
