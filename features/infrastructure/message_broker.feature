@IN
Feature: The message broker can be reached
  As the engineer on call I want to know whether RabbitMQ is there, lets the product in
  and has what the product was promised: its virtual host and its exchange.
  Queues that nobody needs any more must go, or the broker fills up.

  Rule: RabbitMQ is reached, and has what the product uses

    @IN-09a @REQ_PZ-13602 @needs_rabbitmq
    Example: The configured user is let in to the virtual host
      Given a message broker that has started
      When somebody logs in to the message broker with the configured password
      Then the broker lets the user in within its limit

    @IN-09b @REQ_PZ-13602 @needs_rabbitmq
    Example: The exchange of the product is there
      Given a message broker that has started
      When somebody logs in to the message broker with the configured password
      Then the exchange of the product is there

    @IN-09c @REQ_PZ-13602 @negative @needs_rabbitmq
    Example: A wrong password is not taken for a broker that is away
      Given a message broker that has started
      When somebody logs in to the message broker with a wrong password
      Then the broker refuses the password

  Rule: The queues of an investigation go with it

    @IN-09d @REQ_PZ-13602 @needs_rabbitmq
    Example: Nothing of a released investigation is left at the broker
      Given a message broker that has started
      And an open investigation whose job is running
      And a queue of it at the broker
      When the investigation is released
      Then the broker has no queue of it any more
