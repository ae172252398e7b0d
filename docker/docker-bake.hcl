# The images of docker/Dockerfile by buildx, for builders with BuildKit; scripts/build-images needs
# none. From the trees that it lays out, and the whole image is the same bytes each time:
#
#   scripts/build-images --no-images
#   REVISION=$(git rev-parse HEAD) SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) VERSION=0.1.0 \
#     docker buildx bake --file docker/docker-bake.hcl

# One image, one line.
variable "STEPS" {
  default = [
    "preprocess",
    "train",
    "evaluate",
    "register",
  ]
}

variable "REVISION" {
  default = ""
  validation {
    condition     = REVISION != ""
    error_message = "REVISION is empty, expected what git rev-parse HEAD says"
  }
}

variable "SOURCE_DATE_EPOCH" {
  default = ""
  validation {
    condition     = SOURCE_DATE_EPOCH != ""
    error_message = "SOURCE_DATE_EPOCH is empty, expected what git log -1 --format=%ct says"
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

# amd64 or arm64.
variable "ARCH" {
  default = "amd64"
}

# What scripts/build-images lays out.
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
  # SageMaker takes Docker's manifest of one platform: no OCI types, and no attestations, which
  # would make an index of it.
  output = ["type=docker,oci-mediatypes=false,rewrite-timestamp=true"]
  attest = ["type=provenance,disabled=true", "type=sbom,disabled=true"]
}
