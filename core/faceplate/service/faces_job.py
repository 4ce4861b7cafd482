"""The faces job: finds the faces of one frame."""

from __future__ import annotations

from collections.abc import Iterator

from faceplate.color.reading import read_frame
from faceplate.image.inpaint import heal
from faceplate.service.job_context import JobContext
from faceplate.service.job_queue import Job
from faceplate.service.schema import FacesRequest
from faceplate.service.shots import OpenShot

__all__ = ["faces_job"]


def faces_job(context: JobContext, opened: OpenShot, request: FacesRequest) -> Job:
    """Return the job that finds the faces of one frame.

    They are numbered from the left, as `target` numbers them; boxes are in plate pixels, y down.
    """

    def work(job: Job) -> Iterator[None]:
        renderer = opened.renderer()
        file = renderer.open(request.frame)
        picture = read_frame(file, renderer.color, renderer.shot.space, renderer.resources.search_region(file))
        picture = picture.with_pixels(heal(picture.pixels)[0])
        finder = renderer.resources.finder(renderer.shot.at(request.frame))
        faces = sorted(finder.find(picture), key=lambda face: face.points[:, 0].mean())
        job.result = {
            "faces": [
                {"number": number, "box": [round(value, 2) for value in face.box], "score": round(face.score, 4)}
                for number, face in enumerate(faces, 1)
            ]
        }
        context.queue.progress(job, 1)
        yield

    return Job("faces", work, 1, request.priority, request.supersede)
