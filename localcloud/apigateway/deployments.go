package apigateway

import (
	"context"
	"slices"
	"sort"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// CreateDeploymentInput is the request of CreateDeployment.
type CreateDeploymentInput struct {
	RestApiID           string            `json:"restApiId"`
	StageName           string            `json:"stageName"`
	StageDescription    string            `json:"stageDescription"`
	Description         string            `json:"description"`
	CacheClusterEnabled *bool             `json:"cacheClusterEnabled"`
	CacheClusterSize    string            `json:"cacheClusterSize"`
	Variables           map[string]string `json:"variables"`
	TracingEnabled      *bool             `json:"tracingEnabled"`
}

// DeploymentInput names a deployment.
type DeploymentInput struct {
	RestApiID    string   `json:"restApiId"`
	DeploymentID string   `json:"deploymentId"`
	Embed        []string `json:"embed"` // "apisummary" to see the methods
}

// UpdateDeploymentInput is the request of UpdateDeployment.
type UpdateDeploymentInput struct {
	RestApiID       string           `json:"restApiId"`
	DeploymentID    string           `json:"deploymentId"`
	PatchOperations []PatchOperation `json:"patchOperations"`
}

// Deployments is the response of GetDeployments.
type Deployments struct {
	Items    []*Deployment `json:"item"`
	Position string        `json:"position,omitempty"`
}

func (s *Service) registerDeployments() {
	const path = "/restapis/{restApiId}/deployments"
	handle(s, binding{action: "CreateDeployment", method: "POST", path: path, status: 201}, s.createDeployment)
	handle(s, binding{action: "GetDeployments", method: "GET", path: path, query: pageQuery},
		func(_ context.Context, in *ListInput) (*Deployments, error) {
			if _, err := s.api(in.RestApiID); err != nil {
				return nil, err
			}
			var all []*Deployment
			for _, record := range s.deployments.All() {
				if record.APIID == in.RestApiID {
					all = append(all, shownDeployment(record, nil))
				}
			}
			sort.SliceStable(all, func(i, j int) bool { return all[i].CreatedDate.After(all[j].CreatedDate.Time) })
			items, position, err := page(all, PageInput{in.Position, in.Limit})
			return &Deployments{items, position}, err
		})
	handle(s, binding{action: "GetDeployment", method: "GET", path: path + "/{deploymentId}", query: map[string]string{"embed": "embed"}},
		func(_ context.Context, in *DeploymentInput) (*Deployment, error) {
			record, err := s.deployment(in.RestApiID, in.DeploymentID)
			if err != nil {
				return nil, err
			}
			return shownDeployment(record, in.Embed), nil
		})
	handle(s, binding{action: "UpdateDeployment", method: "PATCH", path: path + "/{deploymentId}"}, s.updateDeployment)
	handle(s, binding{action: "DeleteDeployment", method: "DELETE", path: path + "/{deploymentId}", status: 202}, s.deleteDeployment)
}

func shownDeployment(record *deploymentRecord, embed []string) *Deployment {
	d := record.Deployment
	if !slices.Contains(embed, "apisummary") {
		d.APISummary = nil
	}
	return &d
}

func (s *Service) deployment(api, id string) (*deploymentRecord, error) {
	if _, err := s.api(api); err != nil {
		return nil, err
	}
	if record, ok := s.deployments.Get(key(api, id)); ok {
		return record, nil
	}
	return nil, notFound("Invalid Deployment identifier specified")
}

func (s *Service) createDeployment(ctx context.Context, in *CreateDeploymentInput) (*Deployment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.api(in.RestApiID)
	if err != nil {
		return nil, err
	}
	methods := map[string]map[string]MethodSnapshot{}
	for _, r := range a.Resources {
		for name, m := range r.ResourceMethods {
			if m.MethodIntegration == nil {
				return nil, badRequest("No integration defined for method")
			}
			if methods[r.Path] == nil {
				methods[r.Path] = map[string]MethodSnapshot{}
			}
			methods[r.Path][name] = MethodSnapshot{AuthorizationType: m.AuthorizationType, APIKeyRequired: m.APIKeyRequired}
		}
	}
	if len(methods) == 0 {
		return nil, badRequest("The REST API doesn't contain any methods")
	}
	record := &deploymentRecord{APIID: a.ID, Snapshot: copyOf(a),
		Deployment: Deployment{ID: newID(6), Description: in.Description, CreatedDate: dispatch.Time{Time: s.d.Clock.Now()}, APISummary: methods}}
	if err := s.deployments.Put(key(a.ID, record.Deployment.ID), record); err != nil {
		return nil, err
	}
	if in.StageName != "" {
		if err := s.deployStage(ctx, in, record.Deployment.ID); err != nil {
			return nil, err
		}
	}
	return &record.Deployment, nil
}

// deployStage gives the stage that CreateDeployment names the new deployment, and makes it when there is none. The
// caller holds s.mu.
func (s *Service) deployStage(ctx context.Context, in *CreateDeploymentInput, deployment string) error {
	old, ok := s.stages.Get(key(in.RestApiID, in.StageName))
	if !ok {
		_, err := s.makeStage(ctx, &CreateStageInput{RestApiID: in.RestApiID, StageName: in.StageName, DeploymentID: deployment, Description: in.StageDescription,
			Variables: in.Variables, CacheClusterEnabled: in.CacheClusterEnabled != nil && *in.CacheClusterEnabled,
			TracingEnabled: in.TracingEnabled != nil && *in.TracingEnabled})
		return err
	}
	record := copyOf(old)
	record.Stage.DeploymentID = deployment
	for name, value := range in.Variables {
		if record.Stage.Variables == nil {
			record.Stage.Variables = map[string]string{}
		}
		record.Stage.Variables[name] = value
	}
	if in.StageDescription != "" {
		record.Stage.Description = in.StageDescription
	}
	return s.putStage(ctx, record)
}

func (s *Service) updateDeployment(_ context.Context, in *UpdateDeploymentInput) (*Deployment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record, err := s.deployment(in.RestApiID, in.DeploymentID)
	if err != nil {
		return nil, err
	}
	record = copyOf(record)
	for _, op := range in.PatchOperations {
		if op.Op != "replace" || op.Path != "/description" {
			return nil, invalidPatch(op, "/description")
		}
		record.Deployment.Description = op.Value
	}
	return shownDeployment(record, nil), s.deployments.Put(key(in.RestApiID, in.DeploymentID), record)
}

func (s *Service) deleteDeployment(_ context.Context, in *DeploymentInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.deployment(in.RestApiID, in.DeploymentID); err != nil {
		return nil, err
	}
	for _, stage := range s.stages.All() {
		if stage.APIID == in.RestApiID && stage.Stage.DeploymentID == in.DeploymentID {
			return nil, badRequest("Active stages pointing to this deployment must be moved or deleted")
		}
	}
	delete(s.plans, key(in.RestApiID, in.DeploymentID))
	_, err := s.deployments.Delete(key(in.RestApiID, in.DeploymentID))
	return &Empty{}, err
}
