from django.urls import path
from people import views

urlpatterns = [
    path("", views.profile, name="profile"),
    path("sign-up", views.sign_up, name="sign-up"),
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("delete", views.delete, name="delete"),
]
