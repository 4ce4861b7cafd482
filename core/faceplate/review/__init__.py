"""Pictures and movies for review: contact sheets and burn-ins."""

from faceplate.review.contact_sheet import ContactSheet

__all__ = ["ContactSheet"]
