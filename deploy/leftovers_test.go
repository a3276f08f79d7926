package deploy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// What is left is looked for in the stack's region, among what is in none, and by the name of the data store, which its tags may not
// tell of.
func TestWhatRemains(t *testing.T) {
	var asked []string
	refuse := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, region, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=a/")
		region = strings.Split(region, "/")[1]
		operation := r.Header.Get("X-Amz-Target")
		asked = append(asked, region+" "+operation)
		var in struct {
			Filter    struct{ DatastoreName string }
			NextToken string
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		switch {
		case refuse && operation == "HealthLake.ListFHIRDatastores":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"com.amazonaws.healthlake#AccessDeniedException"}`)
		case operation == "HealthLake.ListFHIRDatastores" && in.Filter.DatastoreName != "carepath-dev":
			t.Errorf("asked for the data store %q", in.Filter.DatastoreName)
		case operation == "HealthLake.ListFHIRDatastores" && in.NextToken == "":
			fmt.Fprint(w, `{"DatastorePropertiesList":[{"DatastoreArn":"arn:store/1","DatastoreStatus":"DELETED"}],"NextToken":"more"}`)
		case operation == "HealthLake.ListFHIRDatastores":
			fmt.Fprint(w, `{"DatastorePropertiesList":[{"DatastoreArn":"arn:store/2","DatastoreStatus":"ACTIVE"}]}`)
		case region == "us-east-1":
			fmt.Fprint(w, `{"ResourceTagMappingList":[{"ResourceARN":"arn:aws:route53:::hostedzone/Z"}]}`)
		default:
			fmt.Fprint(w, `{"ResourceTagMappingList":[{"ResourceARN":"arn:store/2"},{"ResourceARN":"arn:aws:pipes:eu-west-1:1:pipe/fhir"},{"ResourceARN":"arn:aws:kms:eu-west-1:1:key/k"}]}`)
		}
	}))
	defer server.Close()
	reach := aws.Config{Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	left, err := remains(t.Context(), reach, "dev", time.Nanosecond)
	if want := []string{"arn:aws:pipes:eu-west-1:1:pipe/fhir", "arn:aws:route53:::hostedzone/Z", "arn:store/2"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("got %v, %v; want %v", left, err, want)
	}
	if !slices.Contains(asked, "eu-west-1 HealthLake.ListFHIRDatastores") {
		t.Errorf("asked %v", asked)
	}
	refuse = true
	if _, err := remains(t.Context(), reach, "dev", time.Nanosecond); err == nil || !strings.Contains(err.Error(), "ListFHIRDatastores answers 400 AccessDeniedException") {
		t.Errorf("got %v", err)
	}
}
