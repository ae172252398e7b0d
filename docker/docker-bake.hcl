# Builds the images of docker/Dockerfile with buildx and BuildKit, which scripts/build-images does not
# need. The input is the trees that scripts/build-images lays out; a commit always gives the same image:
#
#   scripts/build-images --no-images
#   REVISION=$(git rev-parse HEAD) SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) VERSION=0.1.0 \
#     docker buildx bake --file docker/docker-bake.hcl

# The images, one a line.
variable "STEPS" {
  default = [
    "preprocess",
    "train",
    "evaluate",
    "register",
    "serve",
  ]
}

variable "REVISION" {
  default = ""
  validation {
    condition     = REVISION != ""
    error_message = "REVISION is empty, expected the output of git rev-parse HEAD"
  }
}

variable "SOURCE_DATE_EPOCH" {
  default = ""
  validation {
    condition     = SOURCE_DATE_EPOCH != ""
    error_message = "SOURCE_DATE_EPOCH is empty, expected the output of git log -1 --format=%ct"
  }
}

variable "VERSION" {
  default = ""
}

variable "SOURCE" {
  default = ""
}

variable "PREFIX" {
  default = "machine-downtime"
}

# amd64 or arm64
variable "ARCH" {
  default = "amd64"
}

# The directory of the trees that scripts/build-images lays out.
variable "TREES" {
  default = "target/images"
}

target "default" {
  name       = step
  matrix     = { step = STEPS }
  context    = "${TREES}/${ARCH}"
  dockerfile = "cwd://docker/Dockerfile"
  target     = step
  platforms  = ["linux/${ARCH}"]
  tags       = ["${PREFIX}/${step}:${substr(REVISION, 0, 12)}", "${PREFIX}/${step}:latest"]
  args = {
    SOURCE            = SOURCE
    REVISION          = REVISION
    VERSION           = VERSION
    SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH
  }
  # SageMaker accepts Docker manifests of one platform: no OCI types, and no attestations, which would
  # turn the manifest into an index.
  output = ["type=docker,oci-mediatypes=false,rewrite-timestamp=true"]
  attest = ["type=provenance,disabled=true", "type=sbom,disabled=true"]
}
