package asl

import (
	"maps"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/asl/awsmodel"
)

// integration is an action of an optimised integration.
type integration struct {
	actions []string
	sync    []string // the actions that .sync may follow
	token   []string // the actions that .waitForTaskToken may follow
}

// optimized are the optimised integrations
// (https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html).
var optimized = map[string]integration{
	"apigateway": {actions: []string{"invoke"}, token: []string{"invoke"}},
	"athena": {actions: []string{"startQueryExecution", "stopQueryExecution", "getQueryExecution", "getQueryResults"},
		sync: []string{"startQueryExecution"}},
	"batch": {actions: []string{"submitJob"}, sync: []string{"submitJob"}},
	"bedrock": {actions: []string{"invokeModel", "createModelCustomizationJob"}, sync: []string{"createModelCustomizationJob"},
		token: []string{"invokeModel"}},
	"codebuild": {actions: []string{"startBuild", "stopBuild", "batchDeleteBuilds", "batchGetReports", "startBuildBatch",
		"stopBuildBatch", "retryBuildBatch", "deleteBuildBatch"}, sync: []string{"startBuild", "startBuildBatch", "retryBuildBatch"}},
	"databrew": {actions: []string{"startJobRun"}, sync: []string{"startJobRun"}},
	"dynamodb": {actions: []string{"getItem", "putItem", "updateItem", "deleteItem"}},
	"ecs":      {actions: []string{"runTask"}, sync: []string{"runTask"}, token: []string{"runTask"}},
	"eks": {actions: []string{"createCluster", "deleteCluster", "createFargateProfile", "deleteFargateProfile",
		"createNodegroup", "deleteNodegroup", "runJob", "call"},
		sync: []string{"createCluster", "deleteCluster", "createFargateProfile", "deleteFargateProfile", "createNodegroup",
			"deleteNodegroup", "runJob"}},
	"elasticmapreduce": {actions: []string{"createCluster", "terminateCluster", "addStep", "cancelStep",
		"setClusterTerminationProtection", "modifyInstanceFleetByName", "modifyInstanceGroupByName"},
		sync: []string{"createCluster", "terminateCluster", "addStep"}},
	"emr-containers": {actions: []string{"createVirtualCluster", "deleteVirtualCluster", "startJobRun"},
		sync: []string{"deleteVirtualCluster", "startJobRun"}},
	"emr-serverless": {actions: []string{"createApplication", "startApplication", "stopApplication", "deleteApplication",
		"startJobRun", "cancelJobRun"},
		sync: []string{"createApplication", "startApplication", "stopApplication", "deleteApplication", "startJobRun", "cancelJobRun"}},
	"events":       {actions: []string{"putEvents"}, token: []string{"putEvents"}},
	"glue":         {actions: []string{"startJobRun"}, sync: []string{"startJobRun"}},
	"http":         {actions: []string{"invoke"}},
	"lambda":       {actions: []string{"invoke"}, token: []string{"invoke"}},
	"mediaconvert": {actions: []string{"createJob"}, sync: []string{"createJob"}},
	"sagemaker": {actions: []string{"createEndpoint", "createEndpointConfig", "createHyperParameterTuningJob",
		"createLabelingJob", "createModel", "createProcessingJob", "createTrainingJob", "createTransformJob", "updateEndpoint"},
		sync: []string{"createHyperParameterTuningJob", "createLabelingJob", "createProcessingJob", "createTrainingJob",
			"createTransformJob"}},
	"sns":    {actions: []string{"publish"}, token: []string{"publish"}},
	"sqs":    {actions: []string{"sendMessage"}, token: []string{"sendMessage"}},
	"states": {actions: []string{"startExecution"}, sync: []string{"startExecution"}, token: []string{"startExecution"}},
}

// optimizedModels are the names in package awsmodel of the services that optimised integrations call.
var optimizedModels = map[string]string{"dynamodb": "dynamodb", "events": "eventbridge", "lambda": "lambda", "sqs": "sqs",
	"states": "sfn"}

// requiredParameters are arguments that an optimised integration cannot do without, of services whose API is in no table.
var requiredParameters = map[string][]string{
	"ecs:runTask":      {"TaskDefinition"},
	"glue:startJobRun": {"JobName"},
	"sns:publish":      {"Message"},
}

// model returns the table of a resource's service, nil when there is none.
func (r *Resource) model() *awsmodel.Service {
	switch r.Kind {
	case Optimized:
		return awsmodel.Lookup(optimizedModels[r.Service])
	case SDK:
		return awsmodel.Lookup(r.Service)
	}
	return nil
}

// knownIntegration reports whether Step Functions has the service and action of a resource, as far as this package
// knows them: of SDK integrations all services, and the actions of those in package awsmodel and in sdkActions.
func knownIntegration(r Resource) bool {
	switch r.Kind {
	case Optimized:
		i, known := optimized[r.Service]
		switch {
		case !known || !slices.Contains(i.actions, r.Action):
			return false
		case r.Pattern == Sync:
			return slices.Contains(i.sync, r.Action)
		case r.Pattern == Sync2:
			return r.Service == "states"
		case r.Pattern == WaitForTaskToken:
			return slices.Contains(i.token, r.Action)
		}
	case SDK:
		if r.Pattern == Sync || r.Pattern == Sync2 {
			return false
		}
		if m := r.model(); m != nil {
			return m.Action(r.Action) != nil
		}
		if actions, known := sdkActions[r.Service]; known {
			return actions[r.Action]
		}
		return sdkServices[r.Service] && 'a' <= r.Action[0] && r.Action[0] <= 'z'
	}
	return true
}

// otherNames are names by which a service is known elsewhere, in IAM, in the AWS CLI and in optimised integrations, with
// the one that SDK integrations have.
var otherNames = map[string]string{"cognito-idp": "cognitoidentityprovider", "cognitoidp": "cognitoidentityprovider",
	"cognito-identity": "cognitoidentity", "events": "eventbridge", "states": "sfn", "stepfunctions": "sfn",
	"logs": "cloudwatchlogs", "monitoring": "cloudwatch", "elasticmapreduce": "emr", "execute-api": "apigatewaymanagementapi"}

// meantIntegration returns the resource that one which does not exist was probably meant to be, "" when nothing is near.
func meantIntegration(r Resource) string {
	const sdk, plain = "arn:aws:states:::aws-sdk:", "arn:aws:states:::"
	pattern := string(r.Pattern)
	if r.Kind == Optimized {
		if i, known := optimized[r.Service]; known {
			if slices.Contains(i.actions, r.Action) {
				return plain + r.Service + ":" + r.Action // the pattern does not exist
			}
			if action := nearest(r.Action, i.actions); action != "" && strings.EqualFold(action, r.Action) {
				return plain + r.Service + ":" + action + pattern
			}
		}
	}
	service := r.Service
	if !sdkServices[service] {
		if service = otherNames[strings.ToLower(service)]; service == "" {
			service = nearest(r.Service, slices.Sorted(maps.Keys(sdkServices)))
		}
	}
	if service == "" {
		return ""
	}
	var actions []string
	if m := awsmodel.Lookup(service); m != nil {
		actions = m.Actions()
	} else {
		actions = slices.Sorted(maps.Keys(sdkActions[service]))
	}
	action := strings.ToLower(r.Action[:1]) + r.Action[1:]
	if len(actions) > 0 {
		if action = nearest(r.Action, actions); action == "" {
			return ""
		}
	}
	if r.Pattern == Sync || r.Pattern == Sync2 {
		pattern = "" // SDK integrations do not wait
	}
	return sdk + service + ":" + action + pattern
}
