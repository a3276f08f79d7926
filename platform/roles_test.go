package platform

import "testing"

func TestRolesAreBound(t *testing.T) {
	const boundary = "arn:aws:iam::123456789012:policy/carepath-ci/boundary"
	setConfig(t, map[string]string{"carepath:platform": `{"permissionsBoundaryArn":"` + boundary + `","apiGatewayAccount":"always"}`})
	e := &engine{endpoint: "https://x"}
	if err := e.run(nil); err != nil {
		t.Fatal(err)
	}
	roles := 0
	for _, r := range e.resources {
		if r.token != "aws:iam/role:Role" {
			continue
		}
		roles++
		if r.inputs["permissionsBoundary"].V != boundary || r.inputs["path"].V != "/carepath/carepath/test/" {
			t.Errorf("%s has the boundary %v and the path %v", r.name, r.inputs["permissionsBoundary"], r.inputs["path"])
		}
	}
	if roles < 5 {
		t.Errorf("%d roles", roles)
	}
}
